import type { StreamInfo } from "@nats-io/jetstream";
import { mirroredUpTo } from "#shared/contract/home.ts";
import type { LogReset } from "../deliver.ts";
import type { Position } from "../event.ts";
import { findPositionBefore } from "./history.ts";
import { epochOf, logUnreadable, positionAt } from "./inspect-log.ts";
import { isFilling, isLevel, sourceOf } from "./log-source.ts";
import type { Bus } from "./paced-bus.ts";

/** A mirror that is level and short of what was read, for this long: the entries are lost. */
const SHORT_MS = 3_000;

/** What was read of a log. */
export interface ReadSoFar {
  /** Undefined where nothing was read. */
  readonly epoch: string | undefined;
  readonly last: Position;
  /** The last message among it: a hole has no tag to compare. */
  readonly lastMessage: Position;
  /** When the log stored what was read last, in milliseconds since 1970; undefined where that is not known. */
  readonly storedAt: number | undefined;
}

/** How a log relates to what was read; `tag` is that of the message now where the last one stood. */
export function relationOf(
  read: ReadSoFar,
  { config, state }: StreamInfo,
  tag: string | undefined,
): LogReset["relation"] | "same" {
  if (read.epoch === undefined) return "first";
  if (read.epoch !== epochOf({ config })) return "epoch";
  if (state.last_seq < read.last.seq) return "tail_lost";
  if (tag !== undefined && tag !== read.lastMessage.tag) return "tail_lost";
  return state.first_seq > read.last.seq + 1 ? "overrun" : "same";
}

/** When the log stored the entry at this position, where that is its last one. */
export function storedAtEnd({ state }: StreamInfo, { seq }: Position): number | undefined {
  return seq === state.last_seq ? Date.parse(state.last_ts) : undefined;
}

/** Where a log begins to be read that does not continue what was read. */
export function beginningOf(
  bus: Bus,
  tenant: string,
  { info: { state }, relation, read }: { info: StreamInfo; relation: LogReset["relation"]; read: ReadSoFar },
): Position | Promise<Position> {
  // Nothing was read of a log that was made anew: every reader gets all of it.
  if (relation === "overrun" || relation === "epoch") return { seq: Math.max(0, state.first_seq - 1), tag: "0" };
  // A store that came back as it was earlier has had events since, under numbers that were read: they are younger than all that was.
  if (relation === "tail_lost" && read.storedAt !== undefined)
    return findPositionBefore(bus, tenant, read.storedAt + 1);
  return positionAt(bus.jsm, tenant, state.last_seq);
}

/**
 * The position up to which a log of another epoch is the one that was read: it was promoted, or is the mirror of one that was. Undefined
 * where the two have nothing in common.
 */
export function commonWith(
  { jsm }: Pick<Bus, "jsm">,
  tenant: string,
  { last, lastMessage }: ReadSoFar,
  { info, tag }: { readonly info: StreamInfo; readonly tag: string | undefined },
): Position | Promise<Position> | undefined {
  const isSameMessage = tag !== undefined && tag === lastMessage.tag;
  if (isSameMessage && info.state.last_seq >= last.seq) return last;
  const mirrored = mirroredUpTo(info);
  if (mirrored === 0 || mirrored > info.state.last_seq) return undefined;
  return positionAt(jsm, tenant, Math.min(mirrored, last.seq));
}

/** Waits for mirrors that have not yet what was read: one that was just made has nothing, and that is no loss. */
export class FillingMirror {
  readonly #now: () => number;
  /** Since when it is level and lacks what was read all the same. */
  #shortSince: number | undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** @throws {AppError} `unavailable` while the mirror is filling; of what is no mirror, never. */
  requireFilled(info: StreamInfo, last: Position): void {
    const isShort = info.state.last_seq < last.seq && sourceOf(info.config) === "mirror";
    this.#shortSince = isShort && isLevel(info) ? (this.#shortSince ?? this.#now()) : undefined;
    const isLost = this.#shortSince !== undefined && this.#now() - this.#shortSince > SHORT_MS;
    if ((!isShort || isLost) && !isFilling(info)) return;
    throw logUnreadable(new Error("the mirror of the log does not have yet what the log has"));
  }
}
