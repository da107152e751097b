import { compositeKey } from "#shared/protocol/composite-key.ts";
import type { Position } from "../event.ts";
import type { Grant } from "../access/decisions.ts";
import type { BodyCoding } from "../sse/body-coding.ts";
import { formatKey, type FrameFormat } from "../sse/encode-frame.ts";

/** A member of an audience. */
export interface Member {
  /** Writes a flush, coded; false when it may not be written to this member. */
  write(coded: Buffer, events: number, now: number): boolean;
  /** Continues by itself after `position`: everything up to it was written to it, or is not for it. */
  detach(position: Position): void;
}

/** What the members of an audience have in common, beside their tenant: equal keys, equal bytes. */
export interface AudienceKey {
  readonly topics: readonly string[];
  readonly grant: Grant;
  readonly format: FrameFormat;
  readonly coding: Pick<BodyCoding, "name" | "encode">;
}

/** The key as text. */
export function formatAudienceKey({ topics, grant, format, coding }: AudienceKey): string {
  return compositeKey(grant.id, formatKey(format), coding.name, ...topics);
}

/** The edge, as far as an audience uses it. */
export interface AudienceDeps {
  /** The position up to which the feed has delivered. */
  horizon(): Position;
  /** The monotonic time in milliseconds. */
  now(): number;
  /** Invalidates every session when the clocks have parted. */
  checkClock(): void;
  /** The least time between two flushes of a burst, in milliseconds. */
  readonly flushMs: number;
  /** The same, as an overloaded edge asks for it; 0 while it is not. */
  leastFlushMs(): number;
}

/** However busy the event loop is, a burst waits no longer than this, in milliseconds, unless the edge is overloaded. */
const MAX_FLUSH_MS = 50;

/**
 * The flush interval is this many times the last flush's duration, so half of the time is left for other work. 100 events a
 * second to 1 000 readers then wait 20 ms, and 500 a second cost a seventh of a write each. A smaller factor makes the
 * former faster and the latter dearer.
 */
const STRETCH = 2;

/** A larger burst is flushed early: a flush adds about this much to a slow socket's buffer. */
const MAX_PENDING_BYTES = 64 * 1024;

/**
 * Live readers with equal keys. Matching, deciding, encoding and compressing happen once for all of them; each costs one
 * write per flush. The first event after quiet is written at once; in a burst, events leave together.
 */
export class Audience {
  readonly key: AudienceKey;
  readonly #deps: AudienceDeps;
  readonly #members = new Set<Member>();
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  /** The members' position while something is pending. */
  #writtenThrough: Position | undefined;
  #flushedAt = Number.NEGATIVE_INFINITY;
  /** The flush interval that the last flush's duration asks for. */
  #stretchMs = 0;
  #nextFlush: PromiseWithResolvers<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(key: AudienceKey, deps: AudienceDeps) {
    this.key = key;
    this.#deps = deps;
  }

  get size(): number {
    return this.#members.size;
  }

  /**
   * Resolves once what is pending has been written; undefined when nothing is pending. A member that joins earlier causes a
   * flush: thousands that come back together would each cause one.
   */
  get flushed(): Promise<void> | undefined {
    if (this.#writtenThrough === undefined) return undefined;
    this.#nextFlush ??= Promise.withResolvers();
    return this.#nextFlush.promise;
  }

  /** Adds a reader that is at the horizon. */
  join(member: Member): void {
    this.flush();
    this.#members.add(member);
  }

  /** Removes a member, and answers its position. What is pending is written to this member alone, if it may be. */
  leave(member: Member): Position {
    const writtenThrough = this.#writtenThrough;
    const isMember = this.#members.delete(member);
    if (!isMember || writtenThrough === undefined) return this.#deps.horizon();
    const isWritten = member.write(this.#encodePending(), this.#pending.length, this.#deps.now());
    return isWritten ? this.#deps.horizon() : writtenThrough;
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
      if (member.write(coded, events, now)) continue;
      this.#members.delete(member);
      member.detach(writtenThrough);
    }
    this.#flushedAt = now;
    this.#stretchMs = (this.#deps.now() - now) * STRETCH;
    this.#nextFlush?.resolve();
    this.#nextFlush = undefined;
  }

  /** Detaches every member at `position`: the next event is not decided yet. */
  detachAll(position: Position): void {
    this.flush();
    const members = [...this.#members];
    this.#members.clear();
    for (const member of members) member.detach(position);
  }

  /** The machine may have slept until now: what is pending must not be written after a session's end. */
  #flushInTime(): void {
    this.#deps.checkClock();
    this.flush();
  }

  #encodePending(): Buffer {
    const [first] = this.#pending;
    const isOne = this.#pending.length === 1 && first !== undefined;
    return this.key.coding.encode(isOne ? first : Buffer.concat(this.#pending));
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    // Where many audiences keep the loop busy, timers come late and flushes carry more.
    const ownMs = Math.min(MAX_FLUSH_MS, Math.max(this.#deps.flushMs, this.#stretchMs));
    const interval = Math.max(ownMs, this.#deps.leastFlushMs());
    const wait = this.#flushedAt + interval - this.#deps.now();
    if (wait <= 0) this.flush();
    else this.#timer = setTimeout(() => this.#flushInTime(), wait);
  }
}
