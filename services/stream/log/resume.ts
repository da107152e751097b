import type { Position } from "../event.ts";
import { type EventId, formatEventId, parseEventId } from "#shared/protocol/event-id.ts";

/** Where a client begins that brings no valid id. */
export type From =
  | { readonly at: "now" }
  | { readonly at: "earliest" }
  | { readonly at: "time"; readonly wallMs: number };

/** A frame that a client is sent before its first event. */
export type Notice =
  | { readonly event: "reset"; readonly data: { readonly reason: "epoch" | "tail_lost" | "unknown_id" } }
  | {
      readonly event: "gap";
      readonly data: { readonly from: string; readonly to: string; readonly reason: GoneReason | "erased" };
    };

/** Why a log's first entries are gone: the log's limits, or a purge. */
export type GoneReason = "retention" | "purged";

/** The sequences of a log, by its leader. */
export interface Bounds {
  /** The sequence of the first entry retained; one past the last where there is none. */
  readonly first: number;
  readonly last: number;
  /** Why the entries before `first` are gone. */
  readonly goneBy: GoneReason;
}

/** Delivery begins after `position`; the notice is sent first. */
export interface Start {
  readonly position: Position;
  readonly notice: Notice | undefined;
}

/** A tenant's log, as far as `findStart` uses it. */
export interface LogView {
  readonly epoch: string;
  /** How far this edge has read. */
  readonly horizon: Position;
  /** The tag of the message at `seq` from memory. */
  tagInTail(seq: number): string | undefined;
  /** The last sequence that the log shares with the one whose mirror it was, by another epoch; 0 of any other log. */
  readonly mirroredUpTo?: number;
  /**
   * Whether a sequence that the log has not got yet may still come, as of a mirror: answers once that is known.
   * @throws {AppError} `unavailable` where it cannot be known now.
   */
  comesTo?(seq: number): Promise<boolean>;
  /** Whether the entry at `seq`, or the hole there, is in memory. */
  isInTail(seq: number): boolean;
  readonly history: LogLeader;
}

/** Asks the log's leader. Each throws AppError `unavailable` when it does not answer; each may be repeated. */
export interface LogLeader {
  /** `after`: a position behind which entries are told to be gone where the first one retained does not follow it. */
  bounds(after?: number): Promise<Bounds>;
  /** The tag of the message at `seq`; undefined where it is gone. */
  tagOf(seq: number): Promise<string | undefined>;
  /** The position before the first message stored at or after the time. */
  positionBefore(wallMs: number): Promise<Position>;
}

/** Finds where a client continues: exactly after its id while that is valid, else as `from` says. */
export async function findStart(log: LogView, lastEventId: string | undefined, from: From): Promise<Start> {
  if (lastEventId === undefined) return { position: await beginning(log, from), notice: undefined };
  const id = parseEventId(lastEventId);
  const fault = id === undefined ? "unknown_id" : await faultOf(log, id);
  if (id === undefined || fault !== undefined) {
    const common = id === undefined || fault !== "epoch" ? undefined : await commonWith(log, id);
    return {
      position: common ?? (await beginning(log, from)),
      notice: { event: "reset", data: { reason: fault ?? "unknown_id" } },
    };
  }
  return continueAfter(log, id);
}

/**
 * Where a client with an id of an earlier epoch goes on in a log that was promoted: behind its id, whose very message stands here, or
 * behind the last that both logs have. Undefined where the two have nothing in common.
 */
export async function commonWith(log: LogView, { position }: EventId): Promise<Position | undefined> {
  const { mirroredUpTo = 0 } = log;
  if (mirroredUpTo === 0 || position.seq === 0) return undefined;
  const seq = Math.min(position.seq, mirroredUpTo);
  const tag = log.tagInTail(seq) ?? (await log.history.tagOf(seq));
  if (seq < position.seq) return { seq, tag: tag ?? "0" };
  return position.tag === "0" || tag === position.tag ? position : undefined;
}

async function beginning(log: LogView, from: From): Promise<Position> {
  if (from.at === "now") return log.horizon;
  if (from.at === "time") return log.history.positionBefore(from.wallMs);
  return { seq: Math.max(0, (await log.history.bounds()).first - 1), tag: "0" };
}

/**
 * Whether the log has what this edge has read of it. It has not where its store came back as it was before, and the feed has not noticed
 * yet. Asks the leader, and throws what that throws.
 */
export async function hasHorizon({ horizon, history }: Pick<LogView, "horizon" | "history">): Promise<boolean> {
  if (horizon.tag === "0") return (await history.bounds()).last >= horizon.seq;
  const tag = await history.tagOf(horizon.seq);
  return tag === undefined ? (await history.bounds()).last >= horizon.seq : tag === horizon.tag;
}

/** Why an id of ours means nothing in this log any more; undefined while it does. */
export async function faultOf(log: LogView, { epoch, position }: EventId): Promise<"epoch" | "tail_lost" | undefined> {
  if (epoch !== log.epoch) return "epoch";
  if (position.seq === 0 || isSame(position, log.horizon)) return undefined;
  // A sequence this edge has not read yet may be real: another edge, nearer to the leader, may have delivered it.
  if (position.seq > log.horizon.seq && position.seq > (await log.history.bounds()).last) {
    if ((await log.comesTo?.(position.seq)) !== true) return "tail_lost";
  }
  if (position.tag === "0") return undefined;
  const tag = log.tagInTail(position.seq) ?? (await log.history.tagOf(position.seq));
  return tag === undefined || tag === position.tag ? undefined : "tail_lost";
}

async function continueAfter(log: LogView, { epoch, position }: EventId): Promise<Start> {
  if (isSame(position, log.horizon) || log.isInTail(position.seq + 1)) return { position, notice: undefined };
  const bounds = await log.history.bounds(position.seq);
  if (position.seq + 1 >= bounds.first) return { position, notice: undefined };
  return gapBefore(epoch, position, bounds);
}

/** The notice that entries between `position` and the first one retained are gone; delivery continues there. */
export function gapBefore(
  epoch: string,
  position: Position,
  { first, goneBy: reason }: Pick<Bounds, "first" | "goneBy">,
): Start & { readonly notice: Notice } {
  return gapTo(epoch, position, { seq: first - 1, tag: "0" }, reason);
}

/** The notice that entries behind `position` and up to `to` are gone; delivery continues behind `to`. */
export function gapTo(
  epoch: string,
  position: Position,
  to: Position,
  reason: GoneReason | "erased",
): Start & { readonly notice: Notice } {
  const data = { from: formatEventId(epoch, position), to: formatEventId(epoch, to), reason };
  return { position: to, notice: { event: "gap", data } };
}

/** Where a client that came back goes on: from memory, from the log, or behind what is gone; `reset`: its id means nothing. */
export const RESUME_KINDS = ["tail", "history", "gap", "reset"] as const;

export type ResumeKind = (typeof RESUME_KINDS)[number];

/** Where a client that comes back goes on. */
export function resumeKindOf(log: Pick<LogView, "horizon" | "isInTail">, { position, notice }: Start): ResumeKind {
  if (notice !== undefined) return notice.event;
  return position.seq >= log.horizon.seq || log.isInTail(position.seq + 1) ? "tail" : "history";
}

function isSame(a: Position, b: Position): boolean {
  return a.seq === b.seq && a.tag === b.tag;
}
