import type { RetryBudget } from "#shared/async/retry-budget.ts";
import type { Version } from "#shared/contract/version.ts";
import type { EventEntry } from "../event.ts";
import type { Decisions, Grant } from "./decisions.ts";
import type { Registration } from "./registration.ts";

/** `undecided`: policy has not said yet; ask it, and look again. */
export type Verdict = "allowed" | "denied" | "undecided";

/**
 * Whether those who hold the grant may see an event at its place in the log. The only place where that is decided, for live
 * readers and for those behind. `endedBy` is the version that ended the grant behind this event: what that version or a
 * later one decided does not count. Throws what a residual throws on an event it cannot judge.
 */
export function authorizeEvent(decisions: Decisions, entry: EventEntry, grant: Grant, endedBy?: Version): Verdict {
  if (!decisions.knowsEventsBefore(endedBy)) return "undecided";
  const permission = decisions.permissionFor(entry.type);
  if (permission === undefined) return "denied";
  const residual = decisions.residual(grant, permission, entry.position.seq, endedBy);
  if (residual === undefined) return "undecided";
  return residual.allows(entry) ? "allowed" : "denied";
}

/**
 * Asks policy about an event that is undecided for a registration, until it has said; look again once it resolves. Of many who
 * wait for one decision, one asks.
 */
export async function awaitVerdict(
  decisions: Decisions,
  registration: Registration,
  grant: Grant,
  entry: EventEntry,
  retries: RetryBudget,
): Promise<void> {
  const { grantEndedBy, changed } = registration;
  const permission = decisions.permissionFor(entry.type);
  // What policy answers now is as new as what ended the grant, or newer: the grant that comes next is judged by it.
  if (grantEndedBy !== undefined || permission === undefined) return changed.next();
  const isUndecided = (): boolean => decisions.residual(grant, permission, entry.position.seq) === undefined;
  const isWanted = (): boolean => isUndecided() && registration.ended === undefined && registration.grant === grant;
  const ask = (): Promise<true | undefined> =>
    decisions.ask(grant, permission).then(
      () => true,
      () => undefined,
    );
  await retries.untilAnswered(`policy ${registration.identity.tenant}`, ask, isWanted);
}
