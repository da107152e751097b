import { z } from "zod";
import { documentSchema } from "./document-schema.ts";

type Schema = z.core.JSONSchema.BaseSchema;

const NAME = "[A-Za-z0-9_-]{1,64}";
const PERMISSION = `(${NAME}|\\*)(:(${NAME}|\\*)){1,7}`;
const ENCODED = "([A-Za-z0-9_-]|%(?!2D|3[0-9]|[46][1-9A-F]|[57][0-9A]|5F)[0-9A-F]{2}){1,768}";
const TOKEN = `(${ENCODED}|\\*|\\{${NAME}\\})`;
const TOPIC = `(>|${TOKEN}(\\.${TOKEN}){1,7}|${TOKEN}(\\.${TOKEN}){0,6}\\.>)`;
/** Names are counted in bytes; a schema can only count characters, and does not know Unicode's normal forms. */
const CHARACTER = String.raw`[^\u0000-\u001f\u007f-\u009f]`;
const FREE_NAME = `${CHARACTER}{1,256}`;
const SPECIAL = "(group|role|subject):";
const PRINCIPAL = `^(group:${FREE_NAME}|subject:${SPECIAL}${CHARACTER}{0,250}|(?!${SPECIAL})${FREE_NAME})$`;
const SEGMENT = "[A-Za-z0-9._~-]{1,128}";
const PLACEHOLDER = `\\{${NAME}\\}`;

const rule = {
  description:
    "A permission, with @ and a topic pattern where it is limited: order:read, ticket:*, order:read@order.*.{sub}. A token of the pattern may be {sub}, {tenant} or an {attribute} of the subject.",
  pattern: `^${PERMISSION}(@${TOPIC})?$`,
};
const rules = { description: "Rules. Deny beats allow; what no rule allows is denied." };
const conditional = { description: "A rule that holds only on a condition, or shows a part of events." };
const mask = {
  description:
    "Fields that events are delivered without, by their paths: customer.email, lines.*.price. * is any name.",
};
const maskPath = { pattern: `^(${ENCODED}|\\*)(\\.(${ENCODED}|\\*)){0,7}$` };
const when = {
  description: "The condition: a comparison of the subject's attributes and the event's headers.",
  examples: [
    "event.region in subject.regions",
    "event.amount <= subject.limit and event.urgent == true",
    "event.at >= 2026-01-01T00:00:00Z",
    "event.ip in [10.0.0.0/8, 2001:db8::/32] or event.path startsWith '/public/'",
  ],
};
const roleRules = (effect: "allow" | "deny"): Array<[string, object]> => [
  [`roles.*.${effect}`, rules],
  [`roles.*.${effect}[]|0`, rule],
  [`roles.*.${effect}[]|1`, conditional],
  [`roles.*.${effect}[]|1.rule`, rule],
  [`roles.*.${effect}[]|1.when`, when],
];

/** What editors show and check beyond the shape, by the place in the document it is for. */
const HELP: ReadonlyMap<string, object> = new Map<string, object>([
  ["", { title: "Sluice policy document", description: "What a tenant allows: who may see which events." }],
  ["tenant", { description: "Whose document this is. In a watched directory the file has the same name." }],
  ["roles", { description: "Named sets of rules.", maxProperties: 2048 }],
  ["roles.~", { pattern: `^${FREE_NAME}$` }],
  ["roles.*", { description: "A role: what it allows and denies, and the roles whose rules it has too." }],
  ["roles.*.inherits", { description: "Roles whose rules this one has too." }],
  ["roles.*.inherits[]", { pattern: `^${FREE_NAME}$` }],
  ...roleRules("allow"),
  ["roles.*.allow[]|1.mask", mask],
  ["roles.*.allow[]|1.mask[]", maskPath],
  ...roleRules("deny"),
  ["bindings", { description: "Who has which role." }],
  ["bindings[].role", { description: "A role that this document defines.", pattern: `^${FREE_NAME}$` }],
  [
    "bindings[].subjects",
    {
      description:
        "Who has it: names of subjects, group:<name> for everyone in a group, and subject:<name> for a subject whose name begins with group:, role: or subject:.",
    },
  ],
  ["bindings[].subjects[]", { pattern: PRINCIPAL }],
  ["bindings[].until", { description: "When it ends; without it, never.", examples: ["2030-01-31T18:00:00Z"] }],
  [
    "attributes",
    { description: "What is known of subjects and groups, for placeholders and conditions.", maxProperties: 10_000 },
  ],
  ["attributes.~", { pattern: PRINCIPAL }],
  ["attributes.*", { description: "Attributes by name: a text, a number, true or false, or a list of these." }],
  ["trust", { description: "Whose tokens count for more than who somebody is. auth's do unless this says otherwise." }],
  ["trust[].issuer", { description: "The issuer's name, as its tokens have it in iss." }],
  ["trust[].roles", { description: "Whether roles in its tokens count." }],
  ["trust[].groups", { description: "Whether groups in its tokens count." }],
  [
    "trust[].attributes",
    { description: "Which attributes in its tokens count: all, none, or those named. The document's own come first." },
  ],
  [
    "events",
    { description: "Event type → permission. The first match wins; no match is denied.", maxProperties: 1024 },
  ],
  ["events.~", { pattern: `^(>|(${ENCODED}|\\*)\\.(${ENCODED}|\\*|>))$` }],
  ["events.*", { description: "The permission that events of this type ask for." }],
  ["routes", { description: "HTTP requests → permission. The first match wins; no match is denied." }],
  ["routes[].method", { description: "The method of the request." }],
  [
    "routes[].path",
    {
      description:
        "The path, with placeholders: /api/v1/orders/{id?}, /api/{rest*}. Only its end may be optional or stand for one or more segments.",
      pattern: `^(/|(/(${SEGMENT}|${PLACEHOLDER})){0,15}/(${SEGMENT}|\\{${NAME}\\*?\\??\\}))$`,
    },
  ],
  ["routes[].permission", { description: "The permission that the request asks for." }],
  ["routes[].topics", { description: "Topic patterns that tell of changes behind the route." }],
  ["routes[].topics[]", { pattern: `^${TOPIC}$` }],
  ["tests", { description: "What must hold: a document that its own cases contradict is never put in force." }],
  [
    "tests[]",
    {
      oneOf: [{ required: ["permission"] }, { required: ["topic"] }, { required: ["method", "path"] }],
      dependentRequired: { attributes: ["topic"], method: ["path"], path: ["method"] },
    },
  ],
  ["tests[].subject", { description: "Who asks.", pattern: `^${FREE_NAME}$` }],
  ["tests[].roles", { description: "Roles that their token names." }],
  ["tests[].roles[]", { pattern: `^${FREE_NAME}$` }],
  ["tests[].groups", { description: "Groups that their token names." }],
  ["tests[].groups[]", { pattern: `^${FREE_NAME}$` }],
  ["tests[].claims", { description: "Attributes that their token says." }],
  ["tests[].permission", { description: "May they do this, whatever the topic?" }],
  ["tests[].topic", { description: "May they see this event?", pattern: `^${ENCODED}(\\.${ENCODED}){1,7}$` }],
  [
    "tests[].attributes",
    { description: "What the event says of itself: region is what a producer sends as ce-region." },
  ],
  ["tests[].method", { description: "May they make a request with this method?" }],
  ["tests[].path", { description: "The path of the request: /api/v1/orders/42." }],
  ["tests[].issuer", { description: "Whose token names the roles and groups; without it, one of auth." }],
  [
    "tests[].scope",
    { description: "What their token is limited to: permissions, each possibly with @ and a topic pattern." },
  ],
  ["tests[].expect", { description: "The answer that they must get." }],
]);

/**
 * The JSON Schema (2020-12) of a policy document, for editors and programs that write documents. It has every check of
 * a single value; it cannot compare two places.
 */
export function documentJsonSchema(): Schema {
  const schema = z.toJSONSchema(documentSchema, { io: "input" });
  const helped = new Set<string>();
  help(schema, "", helped);
  const lost = [...HELP.keys()].filter((place) => !helped.has(place));
  if (lost.length > 0) throw new Error(`a policy document has no ${lost.join(", ")}`);
  return schema;
}

/** Walks a schema; `path` is the place: `.name`, `.*` any value of a mapping, `.~` its keys, `[]` an item, `|n` a choice. */
function help(schema: Schema, path: string, helped: Set<string>): void {
  const found = HELP.get(path);
  if (found !== undefined) {
    helped.add(path);
    Object.assign(schema, found);
  }
  const under = (name: string): string => (path === "" ? name : `${path}.${name}`);
  for (const [name, child] of Object.entries(schema.properties ?? {})) visit(child, under(name), helped);
  visit(schema.additionalProperties, under("*"), helped);
  visit(schema.propertyNames, under("~"), helped);
  visit(schema.items, `${path}[]`, helped);
  for (const [index, choice] of (schema.anyOf ?? []).entries()) visit(choice, `${path}|${index}`, helped);
}

function visit(schema: unknown, path: string, helped: Set<string>): void {
  if (typeof schema === "object" && schema !== null) help(schema as Schema, path, helped);
}
