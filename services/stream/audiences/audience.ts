import type { Position } from "../event.ts";
import type { Grant } from "../access/decisions.ts";
import type { BodyCoding } from "../sse/body-coding.ts";
import { formatKey, type FrameFormat } from "../sse/encode-frame.ts";

/** What an audience needs of each of its members. */
export interface Member {
  /** Writes a flush, coded; false when it may not be written to this member: it has left the audience by itself then. */
  take(coded: Buffer, events: number, now: number): boolean;
  /** Goes on by itself after `position`, up to which everything was written to it or decided not to be for it. */
  detach(position: Position): void;
}

/** What the members of an audience have in common, beside their tenant. */
export interface AudienceKey {
  readonly topics: readonly string[];
  readonly grant: Grant;
  readonly format: FrameFormat;
  readonly coding: Pick<BodyCoding, "name" | "encode">;
}

/** One name for all that members have in common. */
export function formatAudienceKey({ topics, grant, format, coding }: AudienceKey): string {
  return [grant.id, formatKey(format), coding.name, ...topics].join(" ");
}

/** What an audience needs of its surroundings. */
export interface AudienceDeps {
  /** Up to where the feed has delivered. */
  horizon(): Position;
  /** The monotonic time; notices a clock that jumped before it answers. */
  now(): number;
  /** The least time between two flushes of a burst, in milliseconds. */
  readonly flushMs: number;
}

/** However full the loop is, a burst waits no longer than this, in milliseconds. */
const MAX_FLUSH_MS = 50;

/**
 * How much longer than a flush takes the interval between two is. With half of the time for all else, 100 events a second to
 * 1 000 readers wait 20 ms, and 500 a second cost a seventh of a write each; with less of it, the former is sooner and the
 * latter dearer.
 */
const STRETCH = 2;

/** A burst that is larger leaves before its time: this is what one flush may add to a slow socket's buffer. */
const MAX_PENDING_BYTES = 64 * 1024;

/**
 * Live readers who have all this in common. Matching, deciding, encoding and compressing happen once for all of them; what is
 * left for each is one write per flush. The first event after quiet is written at once; in a burst, events leave together.
 */
export class Audience {
  readonly common: AudienceKey;
  readonly #deps: AudienceDeps;
  readonly #members = new Set<Member>();
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  /** Where the members stand while something is pending. */
  #writtenThrough: Position | undefined;
  #flushedAt = Number.NEGATIVE_INFINITY;
  /** How long after the last flush began the next one may, by what that one took. */
  #stretchMs = 0;
  #flushed: PromiseWithResolvers<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(common: AudienceKey, deps: AudienceDeps) {
    this.common = common;
    this.#deps = deps;
  }

  get size(): number {
    return this.#members.size;
  }

  /**
   * Resolves once what is pending has been written; undefined when nothing is. Who joins before that has it written to
   * everybody: of thousands that come back together, each would.
   */
  get settled(): Promise<void> | undefined {
    if (this.#writtenThrough === undefined) return undefined;
    this.#flushed ??= Promise.withResolvers();
    return this.#flushed.promise;
  }

  /** Takes in a reader that stands at the horizon. */
  join(member: Member): void {
    this.flush();
    this.#members.add(member);
  }

  /** Lets a member go, and answers where it stands: everything pending has been written to it, and to it alone, if it may be. */
  leave(member: Member): Position {
    const writtenThrough = this.#writtenThrough;
    const isMember = this.#members.delete(member);
    if (!isMember || writtenThrough === undefined) return this.#deps.horizon();
    const isTaken = member.take(this.#encodePending(), this.#pending.length, this.#deps.now());
    return isTaken ? this.#deps.horizon() : writtenThrough;
  }

  /** Queues an event's frame for all members; `before` is the position it follows. */
  push(frame: Buffer, before: Position): void {
    this.#writtenThrough ??= before;
    this.#pending.push(frame);
    this.#pendingBytes += frame.length;
    if (this.#pendingBytes >= MAX_PENDING_BYTES) this.flush();
    else this.#schedule();
  }

  /** Writes what is pending to every member, now. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const writtenThrough = this.#writtenThrough;
    if (writtenThrough === undefined) return;
    const now = this.#deps.now();
    const events = this.#pending.length;
    const coded = this.#encodePending();
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#writtenThrough = undefined;
    for (const member of this.#members) {
      if (member.take(coded, events, now)) continue;
      this.#members.delete(member);
      member.detach(writtenThrough);
    }
    this.#flushedAt = now;
    this.#stretchMs = (this.#deps.now() - now) * STRETCH;
    this.#flushed?.resolve();
    this.#flushed = undefined;
  }

  /** Sends every member on its own way from `position`: what comes next is not decided yet. */
  detachAll(position: Position): void {
    this.flush();
    const members = [...this.#members];
    this.#members.clear();
    for (const member of members) member.detach(position);
  }

  #encodePending(): Buffer {
    const [first] = this.#pending;
    const isOne = this.#pending.length === 1 && first !== undefined;
    return this.common.coding.encode(isOne ? first : Buffer.concat(this.#pending));
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    // Where many audiences keep the loop busy their timers come late, and their flushes carry more for it.
    const interval = Math.min(MAX_FLUSH_MS, Math.max(this.#deps.flushMs, this.#stretchMs));
    const wait = this.#flushedAt + interval - this.#deps.now();
    if (wait <= 0) this.flush();
    else this.#timer = setTimeout(() => this.flush(), wait);
  }
}
