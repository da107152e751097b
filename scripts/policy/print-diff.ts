import { effectsOf } from "../../services/policy/decide/effect-diff.ts";
import { differencesOf, differenceText, type PolicySource } from "../../services/policy/decide/policy-diff.ts";
import type { Terminal } from "../shared/command.ts";

const MAX_NAMES = 20;

/** Prints the differences between two policies, and the rules that each subject gains and loses. */
export function printDiff(before: PolicySource, after: PolicySource, { print, say }: Terminal): void {
  const differences = differencesOf(before, after);
  if (differences.length === 0) return print({ differences: 0 }, "no difference");
  for (const difference of differences) print(difference, differenceText(difference));
  for (const { who, gains, loses } of effectsOf(before, after)) {
    print({ who, gains, loses }, () => {
      say("");
      say(
        `${who.slice(0, MAX_NAMES).join(", ")}${who.length > MAX_NAMES ? ` and ${who.length - MAX_NAMES} more` : ""}`,
      );
      for (const rule of gains) say(`  gains ${rule}`);
      for (const rule of loses) say(`  loses ${rule}`);
    });
  }
}
