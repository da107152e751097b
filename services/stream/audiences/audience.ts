import type { EventEntry, Position } from "../event.ts";
import type { Grant } from "../access/grant.ts";
import type { BodyCoding } from "../sse/body-coding.ts";
import type { FrameFormat } from "../frames/encode-frame.ts";
import type { TenantTurns } from "../turns/share.ts";
import type { FlushTrace } from "../observe/event-traces.ts";
import { Batch, type Receiver } from "./batch.ts";
import type { Asker, LiveRoster } from "./live-roster.ts";

/** A member of an audience. */
export interface Member extends Receiver {
  readonly registration: Asker;
  /** Continues by itself after `position`: everything up to it was written to it, or is not for it. */
  detach(position: Position): void;
}

/** What the members of an audience have in common, beside their tenant: equal keys, equal bytes. */
export interface AudienceKey {
  /** Equal lists are one and the same. */
  readonly topics: readonly string[];
  readonly grant: Grant;
  readonly format: FrameFormat;
  readonly coding: Pick<BodyCoding, "name" | "encode">;
  /** The members read each event themselves, as many as they have room for: an event for them detaches them. */
  readonly isPaced?: boolean;
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
  /** The least time between two flushes, as an overloaded edge asks for it; 0 while it is not. */
  leastFlushMs(): number;
  /** A flush that has begun is finished in the tenant's turns. */
  readonly turns: Pick<TenantTurns, "finish">;
  /** The members of all audiences of the tenant. */
  readonly live: LiveRoster<Member>;
  /** A batch was written to all members that take it. */
  onFlushed(batch: Flushed): void;
}

/** What has left together for the members of an audience. */
export type Flushed = Pick<Batch<Member>, "events" | "bytes" | "writtenBytes" | "receiversFrom">;

/** However large an audience is, it rests no longer than this between two flushes, in milliseconds. */
const MAX_REST_MS = 50;

/** A larger burst is flushed early: a flush adds about this much to a slow socket's buffer. */
const MAX_PENDING_BYTES = 64 * 1024;

/** A write to a socket takes 5 to 20 µs: so many are a step of about half a millisecond. */
const WRITES_PER_STEP = 50;

/** A flush that has begun. Some members are written to already, others are not yet. */
interface Flush {
  readonly batch: Batch<Member>;
  /** The members that are left. */
  readonly rest: Iterator<[Member, number]>;
  readonly beganAt: number;
}

/**
 * Live readers with equal keys. Matching, deciding, encoding and compressing happen once for all of them; each costs one
 * write per flush. The first event after quiet is written at once; in a burst, events leave together. A flush of thousands
 * of writes is cut into steps. A member's position is known in each moment: it was written its part of a flush, or not.
 */
export class Audience {
  #key: AudienceKey;
  readonly #deps: AudienceDeps;
  /** Each with the number of the last flush that it does not wait for any more. */
  readonly #members = new Map<Member, number>();
  #pending: Batch<Member> | undefined;
  #flush: Flush | undefined;
  /** The number of the last flush that began. */
  #flushes = 0;
  /** Whether a flush has begun or will before anything else of the tenant is done. */
  #isFlushing = false;
  /** When the next flush may begin. */
  #restsUntil = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  readonly #encode = (frames: Buffer): Buffer => this.#key.coding.encode(frames);

  constructor(key: AudienceKey, deps: AudienceDeps) {
    this.#key = key;
    this.#deps = deps;
  }

  get key(): AudienceKey {
    return this.#key;
  }

  /** Replaces the topics. Only an audience without members may have others. */
  rekey(topics: readonly string[]): void {
    if (this.size > 0) throw new Error("an audience with members keeps its topics");
    this.#key = { ...this.#key, topics };
  }

  get size(): number {
    return this.#members.size;
  }

  /** Adds a reader that is at the horizon: what is pending is not for it. */
  join(member: Member): void {
    if (!this.#members.has(member)) this.#deps.live.add(member);
    this.#members.set(member, this.#flushes);
    this.#pending?.join(member, this.#deps.horizon());
  }

  /** The member's position: everything up to it was written to it, or is not for it. */
  positionOf(member: Member): Position {
    const unwritten = this.#unwritten(member);
    return unwritten[0]?.startOf(member) ?? this.#deps.horizon();
  }

  /** Removes a member, and answers its position. What it has not got yet is written to this member alone, if it may be. */
  leave(member: Member): Position {
    const now = this.#deps.now();
    const unwritten = this.#unwritten(member);
    this.#remove(member);
    return unwritten.find((batch) => !batch.writeTo(member, now))?.startOf(member) ?? this.#deps.horizon();
  }

  /** Queues an event's frame for all members; `before` is the position it follows, `trace` the event's where it is traced. */
  push(frame: Buffer, event: EventEntry, before: Position, trace?: FlushTrace): void {
    if (this.#pending === undefined) {
      this.#pending = new Batch({ from: before, frame, event, trace, encode: this.#encode });
    } else this.#pending.add(frame, event, trace);
    if (this.#pending.bytes >= MAX_PENDING_BYTES) this.flush();
    else this.#schedule();
  }

  /** Begins to write what is pending; answers whether nothing is left to write. */
  flush(): boolean {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pending !== undefined && !this.#isFlushing) {
      this.#isFlushing = true;
      this.#deps.turns.finish(() => this.#writeSome());
    }
    return this.#pending === undefined && !this.#isFlushing;
  }

  /** Detaches every member: the event after `before` is not decided yet. */
  detachAll(before: Position): void {
    for (const member of this.#members.keys()) {
      const [unwritten] = this.#unwritten(member);
      this.#remove(member);
      member.detach(unwritten?.startOf(member) ?? before);
    }
  }

  #remove(member: Member): void {
    if (this.#members.delete(member)) this.#deps.live.remove(member);
  }

  /** The batches that the member has not got yet, in order. */
  #unwritten(member: Member): Batch<Member>[] {
    const number = this.#members.get(member);
    if (number === undefined) return [];
    const batches = number < this.#flushes ? [this.#flush?.batch, this.#pending] : [this.#pending];
    return batches.filter((batch) => batch !== undefined);
  }

  /** Writes to some of the members; answers whether others are left. */
  #writeSome(): boolean {
    const now = this.#deps.now();
    const { batch, rest, beganAt } = (this.#flush ??= this.#begin(now));
    for (let writes = 0; writes < WRITES_PER_STEP; writes += 1) {
      const { value, done } = rest.next();
      if (done === true) {
        this.#end(batch, beganAt);
        batch.end();
        return false;
      }
      const [member, number] = value;
      if (number === this.#flushes) continue;
      if (batch.writeTo(member, now)) this.#members.set(member, this.#flushes);
      else {
        this.#remove(member);
        member.detach(batch.startOf(member));
      }
    }
    return true;
  }

  #begin(now: number): Flush {
    const batch = this.#pending;
    if (batch === undefined) throw new Error("a flush begins, and nothing is pending");
    this.#pending = undefined;
    this.#flushes += 1;
    return { batch, rest: this.#members.entries(), beganAt: now };
  }

  /** As long as writing took, the audience rests: half of the time is left for other work, and more events leave together. */
  #end(batch: Flushed, beganAt: number): void {
    const now = this.#deps.now();
    const restMs = Math.min(now - beganAt, MAX_REST_MS);
    const intervalMs = Math.max(this.#deps.flushMs, this.#deps.leastFlushMs());
    this.#restsUntil = Math.max(beganAt + intervalMs, now + restMs);
    this.#flush = undefined;
    this.#isFlushing = false;
    this.#deps.onFlushed(batch);
    if (this.#pending !== undefined) this.#schedule();
  }

  /** The machine may have slept until now: what is pending must not be written after a session's end. */
  #flushInTime(): void {
    this.#deps.checkClock();
    this.flush();
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#isFlushing) return;
    // Where many audiences keep the loop busy, timers come late and flushes carry more.
    const wait = this.#restsUntil - this.#deps.now();
    if (wait <= 0) this.flush();
    else this.#timer = setTimeout(() => this.#flushInTime(), wait);
  }
}
