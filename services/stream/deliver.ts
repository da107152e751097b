import { applyControl, invalidateEverything } from "./access/apply-control.ts";
import { frameFor } from "./audiences/frame-for.ts";
import type { Tenant } from "./connections/tenant.ts";
import type { VerifyDeps } from "./access/verify.ts";
import type { EventEntry, LogEntry, Position } from "./event.ts";
import type { Notice } from "./log/resume.ts";
import type { PolicyEntry } from "#shared/contract/control-entry.ts";

/**
 * THE MESSAGE WAY: an entry of a tenant's log, in order, exactly once. Everything happens before this returns; the next
 * entry finds it done.
 *
 *     entry → control? apply : tail → audiences: match → decide → encode → flush → sockets
 *
 * A hole is an entry too. Before the first of several the decisions are distrusted, so that no reader is in an audience;
 * each reader meets the hole in the tail.
 */
export function deliver(tenant: Tenant, entry: LogEntry, deps: VerifyDeps): void {
  deps.checkClock();
  const before = tenant.log.horizon;
  // An event that was published before a change is written before the change takes effect.
  if (entry.kind === "control") tenant.audiences.flush();
  tenant.log.advance(entry);
  if (entry.kind === "control") applyControl(tenant, entry, deps);
  if (entry.kind === "event") fanOut(tenant, entry, before);
  tenant.log.markAlive();
}

function fanOut(tenant: Tenant, entry: EventEntry, before: Position): void {
  for (const audience of tenant.audiences.match(entry.topic)) {
    const frame = frameFor(tenant, entry, audience.key);
    if (frame === "undecided") audience.detachAll(before);
    else if (frame !== "denied") audience.push(frame, before);
  }
}

/** Where a log was opened, and how that relates to what was read of it before. */
export interface LogReset {
  readonly epoch: string;
  /** The last entry that counts as read. */
  readonly horizon: Position;
  /** The tenant's last policy entry, from the stream's leader. */
  readonly policy: PolicyEntry | undefined;
  /** `first`: nothing was read before. `overrun`: entries in between are gone. The others: it is not the log it was. */
  readonly relation: "first" | "overrun" | "epoch" | "tail_lost";
}

/**
 * Begins a log that does not continue what was read: what was decided is forgotten and asked again, readers of a log that
 * is no more are told so. Readers of an overrun log find the gap where they continue.
 */
export function resetLog(tenant: Tenant, { epoch, horizon, policy, relation }: LogReset, deps: VerifyDeps): void {
  holdEverybody(tenant);
  tenant.log.reset(epoch, horizon);
  if (relation !== "overrun") tenant.log.erasures.clear();
  tenant.decisions.reset(policy);
  if (relation === "epoch" || relation === "tail_lost") {
    const notice: Notice = { event: "reset", data: { reason: relation } };
    for (const { stream } of tenant.registrations) stream?.jumpTo(horizon, notice);
  }
  invalidateEverything(tenant, deps);
}

/**
 * Takes nothing for decided any more: entries are gone that nobody here has read, and any of them may have changed who may see
 * what. `policy` is the tenant's last policy entry, from the stream's leader. Every reader is held where it stands, and meets
 * what is gone as a hole once auth and policy have answered.
 */
export function distrustDecisions(tenant: Tenant, policy: PolicyEntry | undefined, deps: VerifyDeps): void {
  holdEverybody(tenant);
  tenant.decisions.reset(policy);
  invalidateEverything(tenant, deps);
}

/** Takes every reader out of its audience. Whatever comes next, none of them is carried past it. */
function holdEverybody(tenant: Tenant): void {
  tenant.audiences.flush();
  // In doubt, all of them, before the first leaves its audience: it would be live again in the same step, and the new
  // horizon would carry it past what it has missed.
  for (const registration of tenant.registrations) registration.invalidateSession();
  for (const { stream } of tenant.registrations) stream?.leaveAudience();
}
