import { applyControl, invalidateEverything } from "./access/apply-control.ts";
import { describeDecision } from "./access/decision-spans.ts";
import type { Audience } from "./audiences/audience.ts";
import type { EventTrace } from "./observe/event-traces.ts";
import { frameFor } from "./audiences/frame-for.ts";
import type { Tenant } from "./connections/tenant.ts";
import type { VerifyDeps } from "./access/verify.ts";
import { type EventEntry, holeOf, type LogEntry, type Position } from "./event.ts";
import type { Notice } from "./log/resume.ts";
import type { ErasedEntry, PolicyEntry } from "#shared/contract/control-entry.ts";

/**
 * THE MESSAGE WAY: an entry of a tenant's log, in order, exactly once. Its effect is complete when this returns; what it has
 * begun to write is written in the tenant's next turns, before any other work of the tenant.
 *
 *     entry → control? apply : tail → audiences: match → decide → encode → flush → sockets
 *
 * What is begun comes first: events that were published before a change are written before it takes effect, and readers
 * whose rights it changed leave their audiences before the next event is matched. Answers false, and does nothing, while
 * something is left to do; the same entry comes again then.
 *
 * An event of a mirror that is known to be erased, though the entry that says so comes later, is a hole in the tail, which its readers find
 * there. A hole is an entry too. `distrustDecisions` runs before the first of several, so that no reader is in an audience; each
 * reader finds the hole in the tail.
 */
export function deliver(tenant: Tenant, entry: LogEntry, deps: VerifyDeps): boolean {
  deps.checkClock();
  if (tenant.turns.isFinishing && !tenant.audiences.isEmpty) return false;
  if (entry.kind === "control" && !tenant.audiences.flush()) return false;
  const before = tenant.log.horizon;
  const isErased = entry.kind === "event" && tenant.log.isErased(entry);
  tenant.log.advance(isErased ? holeOf(entry.position.seq, entry.position.seq) : entry);
  if (entry.kind === "control") applyControl(tenant, entry, deps);
  if (isErased) for (const audience of tenant.audiences.match(entry.topic)) audience.detachAll(before);
  else if (entry.kind === "event") fanOut(tenant, entry, before);
  tenant.log.markAlive();
  return true;
}

function fanOut(tenant: Tenant, entry: EventEntry, before: Position): void {
  const trace = tenant.traces?.fed(tenant, entry);
  let denied = tenant.audiences.live.askInVain(entry.topic);
  let isTaken = false;
  // Before the first frame: it may be written at once.
  tenant.reach.add(entry.position.seq, tenant.streams);
  for (const audience of tenant.audiences.match(entry.topic)) {
    const frame =
      trace === undefined ? frameFor(tenant, entry, audience.key) : decideWithin(trace, tenant, entry, audience);
    if (frame === "denied") denied += audience.size;
    else if (frame === "undecided" || audience.key.isPaced) audience.detachAll(before);
    else {
      isTaken ||= audience.size > 0;
      audience.push(frame, entry, before, trace?.flush());
    }
  }
  trace?.end();
  tenant.noteFanOut(entry, denied, isTaken);
}

function decideWithin(
  trace: EventTrace,
  tenant: Tenant,
  entry: EventEntry,
  { key }: Audience,
): ReturnType<typeof frameFor> {
  const deciding = trace.decide();
  const frame = frameFor(tenant, entry, key);
  const outcome = typeof frame === "string" ? frame : "allowed";
  deciding?.end(outcome, describeDecision(tenant.decisions, key.grant, entry.type));
  return frame;
}

/** An opened log, and its relation to what was read before. */
export interface LogReset {
  readonly epoch: string;
  /** The last entry that counts as read. */
  readonly horizon: Position;
  /** The tenant's last policy entry, from the stream's leader. */
  readonly policy: PolicyEntry | undefined;
  /** `first`: nothing was read before. `overrun`: entries in between are gone. The others: it is another log. */
  readonly relation: "first" | "overrun" | "epoch" | "tail_lost";
  /** The last sequence that the log shares with the one whose mirror it was; 0 of a log that never was a mirror. */
  readonly mirrored?: number;
  /** It is the log that was read, up to `horizon`, in another epoch: readers go on where they are. */
  readonly isContinued?: boolean;
  /** What its entries say was erased, where the log may still have it. */
  readonly erased?: readonly ErasedEntry[];
}

/**
 * Begins a log that does not continue what was read. Decisions are forgotten and asked for again. Readers of a replaced log
 * are sent `reset`, and go on where they are in a log that was promoted; readers of an overrun log find the gap where they continue.
 */
export function resetLog(tenant: Tenant, opening: LogReset, deps: VerifyDeps): void {
  const { epoch, horizon, policy, relation, mirrored = 0, isContinued = false, erased = [] } = opening;
  holdReaders(tenant);
  tenant.log.reset(epoch, horizon, mirrored);
  if (relation !== "overrun") tenant.reach.clear();
  if (relation !== "overrun") tenant.log.erasures.clear();
  tenant.log.erase(erased);
  tenant.decisions.reset(policy);
  if (relation === "epoch" || relation === "tail_lost") {
    const notice: Notice = { event: "reset", data: { reason: relation } };
    for (const { stream } of tenant.registrations) {
      const isBehind = isContinued && (stream?.cursor.seq ?? 0) <= horizon.seq;
      stream?.jumpTo(isBehind ? stream.cursor : horizon, notice);
    }
  }
  invalidateEverything(tenant, deps);
}

/**
 * Forgets every decision: entries are gone that this edge has not read, and any of them may have changed rights. `policy`
 * is the tenant's last policy entry, from the stream's leader. Every reader is held at its position, and finds the hole
 * once auth and policy have answered.
 */
export function distrustDecisions(tenant: Tenant, policy: PolicyEntry | undefined, deps: VerifyDeps): void {
  holdReaders(tenant);
  tenant.decisions.reset(policy);
  invalidateEverything(tenant, deps);
}

/** Takes every reader out of its audience, so that none is carried past the next entry. */
function holdReaders(tenant: Tenant): void {
  // Every session is invalid before the first reader leaves its audience: nothing more is written, and each is held where
  // it stands. What was pending is read again once auth has answered.
  for (const registration of tenant.registrations) registration.invalidateSession();
  for (const { stream } of tenant.registrations) stream?.leaveAudience();
}
