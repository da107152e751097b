import type { z } from "zod";
import { BootError } from "./read-config.ts";

/** What one setting asks of others, as a check of a service's schema: what `require` says when it throws is told with the other faults. */
export function settingRule<Settings>(
  require: (settings: Settings) => unknown,
): (payload: z.core.ParsePayload<Settings>) => void {
  return ({ value, issues }) => {
    try {
      require(value);
    } catch (error) {
      if (!(error instanceof BootError)) throw error;
      // The next rules are looked at, too.
      issues.push({ code: "custom", path: [], input: value, message: error.message, continue: true });
    }
  };
}
