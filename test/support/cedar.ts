import { preparsePolicySet, statefulIsAuthorized } from "@cedar-policy/cedar-wasm/nodejs";
import type { Context, EntityJson, TypeAndId } from "@cedar-policy/cedar-wasm/nodejs";
import type { RandomCondition, RandomPolicy, RandomQuestion, RandomRule } from "./random-policies.ts";

/**
 * The same policy for Cedar: roles, groups and people are entities, inherited and bound roles are parents, each rule is a
 * policy. Nothing here is taken from policy's own code.
 */
export class CedarOracle {
  readonly #policy: RandomPolicy;
  readonly #id: string;

  /** Each id holds one policy set at a time. */
  constructor(policy: RandomPolicy, id = "policy") {
    this.#policy = policy;
    this.#id = id;
    const answer = preparsePolicySet(id, { staticPolicies: policiesOf(policy) });
    if (answer.type === "failure") throw new Error(JSON.stringify(answer.errors));
  }

  /** Whether Cedar allows it. */
  allows(question: RandomQuestion): boolean {
    const answer = statefulIsAuthorized({
      principal: { type: "User", id: question.subject },
      action: { type: "Action", id: "ask" },
      resource: { type: "Event", id: "it" },
      context: contextOf(question),
      preparsedPolicySetId: this.#id,
      entities: entitiesOf(this.#policy, question),
    });
    if (answer.type === "failure") throw new Error(JSON.stringify(answer.errors));
    const { decision, diagnostics } = answer.response;
    if (diagnostics.errors.length > 0) throw new Error(JSON.stringify(diagnostics.errors));
    return decision === "allow";
  }
}

function policiesOf({ tenant, roles }: RandomPolicy): string {
  return roles
    .flatMap((role) =>
      (["allow", "deny"] as const).flatMap((effect) =>
        role[effect].map((rule) => {
          const head = `${effect === "allow" ? "permit" : "forbid"}(principal in Role::${quote(role.name)}, action, resource)`;
          return `${head} when { ${bodyOf(rule, effect, tenant)} };`;
        }),
      ),
    )
    .join("\n");
}

function bodyOf({ permission, topic, when }: RandomRule, effect: "allow" | "deny", tenant: string): string {
  const wanted = permission.split(":");
  const isOpen = wanted.at(-1) === "*";
  const size = `context.p.n ${isOpen ? ">=" : "=="} ${wanted.length}`;
  const tokens = wanted.flatMap((token, index) => (token === "*" ? [] : `context.p.t${index} == ${quote(token)}`));
  const condition = when === undefined ? [] : [effect === "allow" ? isTrue(when) : `!(${isFalse(when)})`];
  return [size, ...tokens, ...topicOf(topic, effect, tenant), ...condition].join(" && ");
}

function topicOf(topic: string | undefined, effect: "allow" | "deny", tenant: string): string[] {
  if (topic === undefined) return [];
  const wanted = topic.split(".");
  const isOpen = wanted.at(-1) === ">";
  const tokens = wanted.flatMap((token, index) => {
    if (token === "*" || token === ">") return [];
    return tokenOf(token, `context.t.t${index}`, effect, tenant);
  });
  return [`context.t.n ${isOpen ? ">=" : "=="} ${wanted.length}`, ...tokens];
}

function tokenOf(token: string, at: string, effect: "allow" | "deny", tenant: string): string {
  const name = /^\{(.*)\}$/.exec(token)?.[1];
  if (name === undefined) return `${at} == ${quote(token)}`;
  if (name === "tenant") return `${at} == ${quote(tenant)}`;
  const values = valuesOf(name === "sub" ? "id" : name);
  const holds = `(${values.known} && ${values.tokens}.contains(${at}))`;
  return effect === "allow" ? holds : `(${holds} || !(${values.known}) || ${values.unusable})`;
}

/** When a condition is surely true, in Kleene's logic. */
function isTrue(condition: RandomCondition): string {
  switch (condition.kind) {
    case "and":
      return `(${isTrue(condition.left)} && ${isTrue(condition.right)})`;
    case "or":
      return `(${isTrue(condition.left)} || ${isTrue(condition.right)})`;
    case "not":
      return isFalse(condition.of);
    case "equal":
      return `(${comparable(condition.left)} && ${comparable(condition.right)} && ${valueOf(condition.left)} == ${valueOf(condition.right)})`;
    case "in":
      return `(${comparable(condition.left)} && ${knownList(condition.right)} && ${listOf(condition.right)}.contains(${valueOf(condition.left)}))`;
  }
}

/** When a condition is surely false, in Kleene's logic. Nothing is in an empty list, known or not. */
function isFalse(condition: RandomCondition): string {
  switch (condition.kind) {
    case "and":
      return `(${isFalse(condition.left)} || ${isFalse(condition.right)})`;
    case "or":
      return `(${isFalse(condition.left)} && ${isFalse(condition.right)})`;
    case "not":
      return isTrue(condition.of);
    case "equal":
      return `(${comparable(condition.left)} && ${comparable(condition.right)} && ${valueOf(condition.left)} != ${valueOf(condition.right)})`;
    case "in": {
      const known = `${comparable(condition.left)} && !${listOf(condition.right)}.contains(${valueOf(condition.left)})`;
      const empty = condition.left.of === "event" ? `${listOf(condition.right)}.isEmpty() || ` : "";
      return `(${knownList(condition.right)} && (${empty}(${known})))`;
    }
  }
}

type Operand = Extract<RandomCondition, { kind: "equal" }>["left"];
type List = Extract<RandomCondition, { kind: "in" }>["right"];

function comparable(operand: Operand): string {
  if (operand.of === "text") return "true";
  if (operand.of === "event") return `context.e has ${quote(operand.name)}`;
  return `principal.one has ${quote(operand.name)}`;
}

function valueOf(operand: Operand): string {
  if (operand.of === "text") return quote(operand.value);
  return operand.of === "event" ? `context.e[${quote(operand.name)}]` : `principal.one[${quote(operand.name)}]`;
}

function knownList(list: List): string {
  return list.of === "list" ? "true" : valuesOf(list.name).known;
}

function listOf(list: List): string {
  return list.of === "list" ? `[${list.values.map(quote).join(", ")}]` : valuesOf(list.name).list;
}

function valuesOf(name: string) {
  return {
    known: `principal.all has ${quote(name)}`,
    list: `principal.all[${quote(name)}]`,
    tokens: `principal.tokens[${quote(name)}]`,
    unusable: `principal.unusable.contains(${quote(name)})`,
  };
}

function contextOf({ permission, topic, attributes }: RandomQuestion): Context {
  return { p: tokensOf(permission.split(":")), t: tokensOf(topic.split(".")), e: attributes };
}

function tokensOf(tokens: readonly string[]): Record<string, string | number> {
  return Object.fromEntries([["n", tokens.length], ...tokens.map((token, index) => [`t${index}`, token])]);
}

/** The subject, its groups, and the roles that can matter to them: reading entities is most of the cost. */
function entitiesOf(policy: RandomPolicy, question: RandomQuestion): EntityJson[] {
  const groups = question.groups.map((name) => `group:${name}`);
  const bound = boundTo(policy, principalOf(question.subject));
  const claimed = question.roles.filter((name) => policy.roles.some((role) => role.name === name));
  const parents = [...bound, ...groups.map((id) => ({ type: "Group", id })), ...rolesNamed(claimed)];
  const entities = [
    entity("User", question.subject, parents, attributesOf(policy, question, groups)),
    ...groups.map((name) => entity("Group", name, boundTo(policy, name))),
  ];
  const listed = new Set<string>();
  for (const { parents: open } of entities) {
    for (const { type, id } of open as TypeAndId[]) {
      if (type !== "Role" || listed.has(id)) continue;
      listed.add(id);
      const role = policy.roles.find(({ name }) => name === id);
      entities.push(entity("Role", id, rolesNamed(role?.inherits ?? [])));
    }
  }
  return entities;
}

function entity(type: string, id: string, parents: EntityJson["parents"], attrs: EntityJson["attrs"] = {}): EntityJson {
  return { uid: { type, id }, attrs, parents };
}

function boundTo({ bindings }: RandomPolicy, subject: string): EntityJson["parents"] {
  return rolesNamed(bindings.filter(({ subjects }) => subjects.includes(subject)).map(({ role }) => role));
}

function rolesNamed(names: readonly string[]): EntityJson["parents"] {
  return [...new Set(names)].map((id) => ({ type: "Role", id }));
}

function attributesOf(
  { attributes }: RandomPolicy,
  { subject }: RandomQuestion,
  groups: readonly string[],
): EntityJson["attrs"] {
  const all = new Map<string, ReadonlySet<string>>();
  for (const group of groups) {
    for (const [name, values] of Object.entries(attributes[group] ?? {})) {
      all.set(name, new Set([...(all.get(name) ?? []), ...[values].flat()]));
    }
  }
  const own = isFreeName(subject) ? Object.entries({ ...attributes[principalOf(subject)], id: subject }) : [];
  for (const [name, values] of own) all.set(name, new Set([values].flat()));
  const lists = Array.from(all, ([name, values]): [string, string[]] => [name, [...values]]);
  return {
    all: Object.fromEntries(lists),
    one: Object.fromEntries(lists.flatMap(([name, values]) => (values.length === 1 ? [[name, values[0] ?? ""]] : []))),
    tokens: Object.fromEntries(lists.map(([name, values]) => [name, values.filter(isFreeName).map(tokenOfName)])),
    unusable: lists.filter(([, values]) => !values.every(isFreeName)).map(([name]) => name),
  };
}

/** Good enough for the values that the generator makes. */
function isFreeName(text: string): boolean {
  return text !== "";
}

/** In another way than the code under test, which looks bytes up in a table. */
function tokenOfName(name: string): string {
  return encodeURIComponent(name).replaceAll(
    /[.!~*'()]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function principalOf(subject: string): string {
  return /^(group|subject|role):/.test(subject) ? `subject:${subject}` : subject;
}

function quote(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
