import type { RetryBudget } from "#shared/async/retry-budget.ts";
import type { Version } from "#shared/contract/version.ts";
import { traceOf } from "#shared/contract/event-attributes.ts";
import type { EventEntry } from "../event.ts";
import type { FieldMask } from "../frames/field-mask.ts";
import type { Decisions } from "./decisions.ts";
import type { Grant } from "./grant.ts";
import type { Registration } from "./registration.ts";

/** A mask: allowed without its fields. `undecided`: policy has not answered yet; ask it, and check again. */
export type Verdict = "allowed" | "denied" | "undecided" | FieldMask;

/**
 * Whether holders of the grant may see an event at its place in the log. Only this function decides that, for live readers
 * and for those behind. `endedBy` is the version that ended the grant after this event: decisions of that version or a
 * later one do not count. `at` is another place to judge it by. Throws where the residual cannot judge the event.
 */
export function authorizeEvent(
  decisions: Decisions,
  entry: EventEntry,
  grant: Grant,
  endedBy?: Version,
  at = entry.position.seq,
): Verdict {
  if (!decisions.knowsEventsBefore(endedBy)) return "undecided";
  const permission = decisions.permissionFor(entry.type);
  if (permission === undefined) return "denied";
  const residual = grant.residualAt(permission, at, endedBy);
  if (residual === undefined) return "undecided";
  const permit = residual.allows(entry);
  if (typeof permit === "object") return permit;
  return permit ? "allowed" : "denied";
}

/**
 * Asks policy about an undecided event until it has answered; check again once this resolves. Of many who wait for one
 * decision, one asks.
 */
export async function awaitVerdict(
  decisions: Decisions,
  registration: Registration,
  grant: Grant,
  entry: EventEntry,
  retries: RetryBudget,
  at = entry.position.seq,
): Promise<void> {
  const { grantEndedBy, changed } = registration;
  const permission = decisions.permissionFor(entry.type);
  // Policy's answer now would be as new as the version that ended the grant, or newer: only the next grant may use it.
  if (grantEndedBy !== undefined || permission === undefined) return changed.next();
  const isUndecided = (): boolean => grant.residualAt(permission, at) === undefined;
  const isWanted = (): boolean => isUndecided() && registration.ended === undefined && registration.grant === grant;
  const ask = (): Promise<true | undefined> =>
    decisions.ask(grant, permission, traceOf(entry.attributes)).then(
      () => true,
      () => undefined,
    );
  await retries.untilAnswered(`policy ${registration.identity.tenant}`, ask, isWanted);
}
