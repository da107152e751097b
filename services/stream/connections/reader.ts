import { formatEventId } from "#shared/protocol/event-id.ts";
import { awaitVerdict } from "../access/authorize-event.ts";
import type { Grant } from "../access/grant.ts";
import type { RegisteredStream, Registration, TopicGrant } from "../access/registration.ts";
import type { AudienceKey, Member } from "../audiences/audience.ts";
import type { EndReason, Position } from "../event.ts";
import type { Notice, Start } from "../log/resume.ts";
import type { Slice } from "../log/tail.ts";
import type { Hold } from "../durable/hold.ts";
import type { StreamIds } from "../observe/observer.ts";
import type { StreamTrace } from "../observe/stream-trace.ts";
import type { FrameFormat } from "../frames/encode-frame.ts";
import { dueTopics, type LateTopics } from "../subscription/late-topics.ts";
import type { Connection } from "./connection.ts";
import { endConnection, FAULT, rightOver, type StreamEnd } from "./end-stream.ts";
import { OwnFrames } from "./own-frames.ts";
import { passOver } from "./pass-over.ts";
import { beginRecord, recordTopics, type StreamRecord, reportBeginning } from "./record-stream.ts";
import {
  type Behind,
  behindAt,
  type ReaderDeps,
  type ReaderState,
  sliceFor,
  takeSteps,
  type Wait,
  waitFor,
} from "./reader-state.ts";
import { redeliver } from "./redeliver.ts";
import type { Tenant } from "./tenant.ts";
import type { TopicChanges } from "./topic-changes.ts";
import { later, lateWith, TopicHold } from "./topic-hold.ts";
import { writeSlice } from "./write-slice.ts";

/**
 * A connection as a reader of its tenant's log, with a cursor. Nothing is buffered for it beyond one slice and nothing is
 * dropped; reaching the horizon and becoming live is one synchronous step.
 */
export class Reader implements Member, RegisteredStream {
  readonly ids: StreamIds;
  registration: Registration;
  readonly connection: Connection;
  readonly frames: OwnFrames;
  readonly openedAt: number;
  /** When the stream had its last event, or its person's last call; monotonic milliseconds, as `openedAt`. */
  lastActiveAt: number;
  readonly record: StreamRecord;
  /** The durable subscription that this stream delivers; undefined for any other stream. */
  durable: Hold | undefined;
  /** How long its client waits before it comes back, however the stream ends. */
  retryMs = 0;
  /** How its topics were changed; undefined for a stream without a client id whose topics nobody has changed. */
  changes: TopicChanges | undefined;
  /** Topics that do not count at its cursor yet; undefined where all do. */
  late: LateTopics | undefined;
  /** Its span; undefined where nobody records it. */
  trace: StreamTrace | undefined;
  readonly #tenant: Tenant;
  readonly #reads: Pick<AudienceKey, "format" | "coding">;
  readonly #deps: ReaderDeps;
  #state: ReaderState;
  /** A change of its topics that holds it; undefined while there is none. */
  #hold: TopicHold | undefined;

  constructor(
    ids: StreamIds,
    registration: Registration,
    connection: Connection,
    tenant: Tenant,
    format: FrameFormat,
    { position }: Start,
    deps: ReaderDeps,
  ) {
    this.ids = ids;
    this.registration = registration;
    this.connection = connection;
    this.#tenant = tenant;
    this.#reads = { format, coding: connection.coding };
    this.#deps = deps;
    this.frames = new OwnFrames(connection, format, tenant.log, deps.observer, position);
    this.openedAt = this.lastActiveAt = deps.now();
    this.#state = behindAt(position, this.#tenant.log, this.#deps);
    this.record = beginRecord(registration, position);
  }

  /** How its frames are told apart. */
  get framing(): FrameFormat["framing"] {
    return this.#reads.format.framing;
  }

  get isLive(): boolean {
    return this.#state.is === "live";
  }

  get ended(): boolean {
    return this.#state.is === "ended";
  }

  /** Why the stream ended; undefined while it is open. */
  get endedBy(): StreamEnd | undefined {
    return this.#state.is === "ended" ? this.#state.by : undefined;
  }

  /** Since when it is behind, in monotonic milliseconds; undefined while it is not. */
  get behindSince(): number | undefined {
    return this.#state.is === "behind" ? this.#state.since : undefined;
  }

  get wait(): Wait | undefined {
    return this.#state.is === "behind" ? this.#state.wait : undefined;
  }

  /** The reader's position: while live, the horizon or what was written to it last. */
  get cursor(): Position {
    return this.#state.is === "live" ? this.#state.audience.positionOf(this) : this.#state.cursor;
  }

  /** Takes up what the stream was opened with beside its topics; before it begins. */
  carry({ changes, late, durable, trace }: Partial<Pick<Reader, "changes" | "late" | "durable" | "trace">>): void {
    this.changes = changes;
    this.late = late;
    this.durable = durable;
    this.trace = trace;
  }

  /** Begins delivery: catches up with the log, then is live. */
  catchUp(): void {
    if (this.#state.is === "behind") this.#run(this.#state);
  }

  write(coded: Buffer, events: number, now: number): boolean {
    const { deadline, grantEndsAt } = this.registration;
    if (deadline === undefined || now >= deadline || now >= grantEndsAt || !this.connection.writable) return false;
    this.connection.writeCoded(coded);
    this.gotEvents(events, now);
    return true;
  }

  /** So many events were written to it at this monotonic time. */
  gotEvents(events: number, now: number): void {
    this.lastActiveAt = now;
    if (this.record.events === 0) this.#deps.observer.firstEvent(now - this.openedAt);
    this.record.events += events;
  }

  detach(position: Position): void {
    if (this.#state.is !== "live") return;
    const { audience } = this.#state;
    const state = (this.#state = behindAt(position, this.#tenant.log, this.#deps));
    this.#tenant.audiences.dropIfEmpty(audience);
    // Not within the flush or the entry that detaches it: its first step asks the clock, and may take others out of audiences.
    void this.#tenant.turns.next().then(() => this.#run(state));
  }

  /** Takes the reader out of its audience: its right is invalidated, or its grant has changed. */
  leaveAudience(): void {
    if (this.#state.is === "live") this.detach(this.#state.audience.leave(this));
  }

  /** Replaces the registration by another of the same person: nothing more is written under the old one. */
  rebind(registration: Registration): void {
    this.registration.stream = undefined;
    this.registration = registration;
    registration.stream = this;
    this.lastActiveAt = this.#deps.now();
    this.leaveAudience();
  }

  /** Holds the reader where it stands, for a change of its topics; answers the position behind which the change counts. */
  hold(): Position {
    const vacated = this.#state.is === "live" ? this.#state.audience : undefined;
    const state = vacated && behindAt(vacated.leave(this), this.#tenant.log, this.#deps);
    this.#state = state ?? this.#state;
    this.#hold = new TopicHold(vacated, state);
    return later(this.cursor, this.#tenant.log.horizon);
  }

  /** Goes on by its registration's topics. Those that were `added` count behind `from` only. */
  release(added: readonly string[], from: Position): void {
    const hold = this.#hold;
    this.#hold = undefined;
    this.late = lateWith(this.late, added, from, this.cursor);
    hold?.end(this.#tenant.audiences, this.registration.liveTopics, this.#state, () => this.catchUp());
  }

  /** Continues from `position` in a log that has begun anew, and sends `notice`. */
  jumpTo(position: Position, notice: Notice): void {
    this.leaveAudience();
    if (this.#state.is === "ended") return;
    this.durable?.reset(this.#tenant.log.epoch, position);
    this.frames.sendNotice(notice, position);
    if (position !== this.cursor) this.late = undefined;
    this.#state = behindAt(position, this.#tenant.log, this.#deps);
    this.catchUp();
  }

  /** Keeps the connection alive, and sends the client its position if that has changed. */
  keepAlive(): void {
    if (!this.connection.writable) return;
    if (this.#state.is === "behind") this.frames.sendHole(this.#state);
    this.frames.keepAlive(this.cursor);
  }

  /** Sends which topics are granted, from a position on, and of which it may see the presence where that has changed. */
  sendSubscription(presence?: readonly TopicGrant[], position = this.cursor): void {
    const effectiveFrom = formatEventId(this.#tenant.log.epoch, position);
    const told = { topics: this.registration.topicGrants, effectiveFrom, ...(presence && { presence }) };
    if (presence === undefined) recordTopics(this.#tenant, this, this.#deps.observer, position);
    if (!this.frames.sendSubscription(told)) this.leaveAudience();
  }

  revoke(reason: EndReason): undefined {
    if (this.endedBy === undefined) this.end({ event: "auth_error", reason });
    // What a stream wrote last may be on its way for as long as its client takes.
    else if (this.endedBy.event !== "auth_error") this.connection.reset();
  }

  /** Ends the stream. A live reader's pending events are written first, where they may be. */
  end(by: StreamEnd): void {
    const state = this.#state;
    if (state.is === "ended") return;
    if (state.is === "behind" && (by.event === "bye" || by.event === "cursor")) this.frames.sendHole(state);
    const cursor = state.is === "live" ? state.audience.leave(this) : state.cursor;
    this.#state = { is: "ended", cursor, by };
    if (state.is === "live") this.#tenant.audiences.dropIfEmpty(state.audience);
    const last = { cursor, lastSent: this.frames.lastSent, isLive: state.is === "live", ...this.#reads };
    endConnection(this.connection, by, { epoch: this.#tenant.log.epoch, ...last });
  }

  #run(state: Behind): void {
    takeSteps(this.#tenant.turns, () => this.#step(state)).catch((error: unknown) => {
      this.#deps.observer.fault(error, this.ids);
      this.end(FAULT);
    });
  }

  /** Does all it can now; answers what to wait for, undefined once `state` is over. No `await`: checks hold until it is live. */
  #step(state: Behind): Promise<void> | undefined {
    this.#deps.checkClock();
    if (this.#state !== state) return undefined;
    const { registration } = this;
    const { log } = this.#tenant;
    const now = this.#deps.now();
    const over = rightOver(registration, now);
    if (over !== undefined) return this.revoke(over);
    if (this.#hold !== undefined) return waitFor(state, now, "topics", this.#hold.over);
    if (!this.connection.writable) return waitFor(state, now, "socket", this.connection.drained());
    this.frames.sendOwed();
    if (!log.isLive) return waitFor(state, now, "log", log.nextMove());
    const grant = registration.grantAt(state.cursor.seq + 1, now);
    if (grant === undefined) return waitFor(state, now, "authorization", registration.changed.next());
    const { durable } = this;
    if (durable?.next !== undefined) return redeliver(this.#tenant, durable, this, state, this.#reads, this.#deps);
    if (durable?.room === 0) return waitFor(state, now, "window", durable.changed.next());
    // A topic that counts only later is not for an audience: until then the reader passes entry by entry.
    const isDue = dueTopics(registration.topics, this.late, state.cursor.seq).through === Number.POSITIVE_INFINITY;
    if (state.cursor.seq === log.horizon.seq && isDue) return this.#becomeLive(state, grant);
    if (state.cursor.seq >= log.horizon.seq) return waitFor(state, now, "log", log.nextMove());
    const wanted = isDue && registration.isGrantValid ? registration.topics : undefined;
    const slice = state.slices.after(state.cursor.seq, wanted);
    if (slice === undefined) return waitFor(state, now, "history", this.#fetch(state));
    return this.#deliver(state, slice, grant);
  }

  #becomeLive(state: Behind, grant: Grant): undefined {
    this.frames.sendHole(state);
    this.late = undefined;
    const key = { topics: this.registration.liveTopics, grant, ...this.#reads, isPaced: this.durable !== undefined };
    this.#state = { is: "live", audience: this.#tenant.audiences.of(key) };
    this.#state.audience.join(this);
    const caughtUpMs = this.#deps.now() - state.since;
    this.#deps.observer.caughtUp(caughtUpMs);
    reportBeginning(this.#tenant, this, this.#deps.observer, caughtUpMs);
  }

  async #fetch(state: Behind): Promise<void> {
    const { topics } = this.registration;
    // What may be passed depends on the topics, and a held reader stays where it is.
    const isWanted = (): boolean =>
      this.#state === state && this.#hold === undefined && topics === this.registration.topics;
    const passage = await state.slices.fetch(state.cursor.seq, sliceFor(this.registration, isWanted));
    if (passage !== undefined && isWanted()) passOver(state, passage, this.frames, this.#tenant.log.epoch);
  }

  #deliver(state: Behind, slice: Slice, grant: Grant): Promise<void> | undefined {
    const before = state.cursor;
    const { registration } = this;
    const { now, retries } = this.#deps;
    const { undecided } = writeSlice(this.#tenant, slice, this, state, { grant, ...this.#reads }, now);
    if (undecided !== undefined) {
      const decided = awaitVerdict(this.#tenant.decisions, registration, grant, undecided, retries);
      return waitFor(state, now(), "authorization", decided);
    }
    if (state.cursor === before) return waitFor(state, now(), "authorization", registration.changed.next());
    // At the horizon it becomes live at once: a turn later there may be a new entry, again and again.
    if (state.cursor.seq === this.#tenant.log.horizon.seq) return this.#step(state);
    // A turn between slices: one long catch-up would block all others.
    return Promise.resolve();
  }
}
