import { SUBJECT_ID, subjectNames } from "./condition.ts";
import type { DocumentWarning } from "./fault.ts";
import { type PolicyDocument, type Rule, ruleText } from "./policy-document.ts";
import { placeholderOf } from "./topic-placeholder.ts";

/** What every subject has, whatever the document says. */
const ALWAYS_THERE: ReadonlySet<string> = new Set([SUBJECT_ID, "sub", "tenant"]);

/** Attributes that rules look at and nobody has, and attributes that no rule looks at. */
export function attributeWarnings({ roles, attributes }: PolicyDocument): DocumentWarning[] {
  const held = new Set([...attributes.values()].flatMap((each) => [...each.keys()]));
  const used = new Set<string>();
  const missing: DocumentWarning[] = [];
  for (const [role, rules] of roles) {
    for (const [path, rule] of placesOf(role, rules)) {
      for (const name of namesIn(rule)) {
        used.add(name);
        if (held.has(name) || ALWAYS_THERE.has(name)) continue;
        missing.push({ path, message: `nobody has the attribute "${name}", which ${ruleText(rule)} looks at` });
      }
    }
  }
  const unused = [...attributes].flatMap(([subject, each]) =>
    [...each.keys()]
      .filter((key) => !used.has(key))
      .map((key) => ({ path: ["attributes", subject], key, message: "no rule looks at this attribute" })),
  );
  return [...missing, ...unused];
}

function placesOf(
  role: string,
  rules: { allow: readonly Rule[]; deny: readonly Rule[] },
): Array<[PropertyKey[], Rule]> {
  return (["allow", "deny"] as const).flatMap((effect) =>
    rules[effect].map((rule, index): [PropertyKey[], Rule] => [["roles", role, effect, index], rule]),
  );
}

function namesIn({ topic, when }: Rule): Set<string> {
  const placeholders = (topic ?? "").split(".").flatMap((token) => placeholderOf(token) ?? []);
  return new Set([...placeholders, ...(when === undefined ? [] : subjectNames(when))]);
}
