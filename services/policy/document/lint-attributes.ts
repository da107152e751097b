import { SUBJECT_ID, subjectNames } from "./condition.ts";
import type { DocumentWarning } from "./fault.ts";
import { type PolicyDocument, type Role, type Rule, ruleText } from "./policy-document.ts";
import { placeholderOf } from "./topic-placeholder.ts";

/** What every subject has, whatever the document says. */
const ALWAYS_THERE: ReadonlySet<string> = new Set([SUBJECT_ID, "sub", "tenant"]);

/** Attributes that rules look at and nobody has, and attributes that no rule looks at. */
export function attributeWarnings({ roles, attributes, trust }: PolicyDocument): DocumentWarning[] {
  const held = new Set([...attributes.values()].flatMap((each) => [...each.keys()]));
  const looks = [...roles].flatMap(([role, rules]) => looksOf(role, rules));
  const used = new Set(looks.map(({ name }) => name));
  const fromTokens = (name: string): boolean =>
    trust.some(({ attributes: trusted }) => (typeof trusted === "boolean" ? trusted : trusted.includes(name)));
  const missing = looks
    .filter(({ name }) => !held.has(name) && !ALWAYS_THERE.has(name) && !fromTokens(name))
    .map(({ path, rule, name }) => ({
      path,
      message: `nobody has the attribute "${name}", which ${ruleText(rule)} looks at`,
    }));
  const unused = [...attributes].flatMap(([subject, each]) =>
    [...each.keys()]
      .filter((key) => !used.has(key))
      .map((key) => ({ path: ["attributes", subject], key, message: "no rule looks at this attribute" })),
  );
  return [...missing, ...unused];
}

/** An attribute that a rule looks at, and the rule's place. */
interface Look {
  readonly path: readonly PropertyKey[];
  readonly rule: Rule;
  readonly name: string;
}

function looksOf(role: string, rules: Pick<Role, "allow" | "deny">): Look[] {
  return (["allow", "deny"] as const).flatMap((effect) =>
    rules[effect].flatMap((rule, index) =>
      Array.from(namesIn(rule), (name) => ({ path: ["roles", role, effect, index], rule, name })),
    ),
  );
}

function namesIn({ topic, when }: Rule): Set<string> {
  const placeholders = (topic ?? "").split(".").flatMap((token) => placeholderOf(token) ?? []);
  return new Set([...placeholders, ...(when === undefined ? [] : subjectNames(when))]);
}
