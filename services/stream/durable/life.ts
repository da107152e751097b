import { isPaused } from "#shared/contract/subscription-record.ts";
import type { Position } from "../event.ts";
import type { Definition, SubscriptionRecord } from "./record.ts";
import { owe } from "./told-losses.ts";

/** How long a subscription without a holder keeps what, in milliseconds. A holder notes that it is there more often. */
export interface LifeTimes {
  /** After this it is expired: its positions are kept. */
  readonly expiresMs: number;
  /** After this it is archived: only what its owner asked for counts. */
  readonly archivesMs: number;
}

/** Where a subscription is in its life. It is deleted by the store, after `ttlSeconds`. */
export type LifeState = "active" | "paused" | "expired" | "archived";

/** The state at a time, in milliseconds since 1970; it follows from times alone, and looking at it changes nothing. */
export function lifeOf(record: SubscriptionRecord, now: number, { expiresMs, archivesMs }: LifeTimes): LifeState {
  const unseenMs = now - record.seenAt;
  if (unseenMs >= archivesMs) return "archived";
  if (unseenMs >= expiresMs) return "expired";
  return isPaused(record.pausedUntil, now) ? "paused" : "active";
}

/** Has a record go on at a position of a log that has begun anew: no sequence from before means anything. */
export function beginAnew(record: SubscriptionRecord, epoch: string, position: Position): void {
  forgetPositions(record);
  Object.assign(record, { epoch, through: position, definition: fromTheBeginning(record.definition) });
}

/** The same topics, with every event of theirs that a log has. */
export function fromTheBeginning(definition: Definition): Definition {
  return { ...definition, topics: Object.fromEntries(Object.keys(definition.topics).map((pattern) => [pattern, 0])) };
}

/**
 * Has an archived record go on at a position of a log. What was open, or lies before it, is not delivered, and its client is to be told so.
 */
export function skipTo(record: SubscriptionRecord, epoch: string, position: Position): void {
  if (epoch !== record.epoch) {
    owe(record, { event: "reset", reason: "epoch" });
    return beginAnew(record, epoch, position);
  }
  const { through } = record;
  const to = through.seq < position.seq ? position : through;
  const after = beforeOpen(record);
  if (after.seq < to.seq) owe(record, { event: "gap", after, reason: "retention" });
  forgetPositions(record);
  record.through = to;
}

/** The position behind which something was not delivered, or not acknowledged. */
function beforeOpen({ open, through }: SubscriptionRecord): Position {
  const seq = Math.min(...open.keys()) - 1;
  return seq < through.seq ? { seq, tag: "0" } : through;
}

/** Leaves of a record what its owner asked for, from the present position on. */
export function forgetPositions(record: SubscriptionRecord): void {
  record.open.clear();
  record.dead = [];
  record.early.clear();
  record.reach = 0;
}
