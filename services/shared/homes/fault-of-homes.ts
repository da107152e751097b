import type { ReadinessChecks } from "#shared/lifecycle/readiness.ts";
import type { FurtherHome } from "./further-home.ts";

/**
 * What is wrong with further homes, each reason behind the name of its home; undefined where nothing is. `reasonsOf` says it of a
 * home that is open.
 */
export async function faultOfHomes<Open>(
  further: readonly { readonly home: FurtherHome<Open> }[],
  reasonsOf: (open: Open) => Promise<readonly string[]>,
): Promise<string | undefined> {
  const faults = await Promise.all(
    further.map(async ({ home: { name, state } }) => {
      const reasons = state.is === "open" ? await reasonsOf(state.open) : [state.reason];
      return reasons.map((reason) => `${name}: ${reason}`);
    }),
  );
  const all = faults.flat();
  return all.length === 0 ? undefined : all.join(" | ");
}

/** Why the checks of a home fail; empty where none does. */
export async function failedChecks(checks: ReadinessChecks): Promise<string[]> {
  const checked = await Promise.all(Object.values(checks).map(async (check) => check()));
  return checked.filter((reason) => reason !== undefined);
}
