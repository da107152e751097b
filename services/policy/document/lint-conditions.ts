import { readRange } from "#shared/contract/address-range.ts";
import { type Comparison, comparisonsIn } from "./condition.ts";
import type { DocumentWarning } from "./fault.ts";
import type { PolicyDocument } from "./policy-document.ts";

/** Texts in conditions that look like ranges of addresses, and are compared letter by letter. */
export function conditionWarnings({ roles }: PolicyDocument): DocumentWarning[] {
  return [...roles].flatMap(([role, rules]) =>
    (["allow", "deny"] as const).flatMap((effect) =>
      rules[effect].flatMap(({ when }, index) =>
        comparisonsIn(when)
          .flatMap(textsOf)
          .filter((text) => readRange(text) !== undefined)
          .map((text) => ({
            path: ["roles", role, effect, index],
            message: `'${text}' is compared as a text; without quotes, behind \`in\`, it is a range of addresses`,
          })),
      ),
    ),
  );
}

function textsOf(comparison: Comparison): readonly string[] {
  if (comparison.kind === "in" && comparison.right.kind === "list") return comparison.right.values;
  return comparison.kind === "equal" && comparison.right.kind === "text" ? [comparison.right.value] : [];
}
