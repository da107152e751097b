import type { EndReason, LogEntry, Position } from "../event.ts";
import { formatEventId } from "#shared/protocol/event-id.ts";
import { type Bounds, gapBefore, type Notice, type Start } from "../log/resume.ts";
import type { Connection } from "../sse/connection.ts";
import { BEAT_FRAME, encodeControl, type FrameFormat } from "../sse/encode-frame.ts";
import { setImmediate } from "node:timers/promises";
import type { Grant } from "../access/decisions.ts";
import type { Audience, AudienceKey, Member } from "../audiences/audience.ts";
import type { Registration, RegisteredStream } from "../access/registration.ts";
import { authorizeEvent } from "../access/authorize-event.ts";
import { type Limit, Slices } from "../log/slices.ts";
import { UntoldHole } from "../log/untold-hole.ts";
import type { Tenant } from "./tenant.ts";

/** What a reader behind the horizon waits for. */
export type Wait = "socket" | "log" | "authorization" | "history";

/** What a reader needs of the edge. */
export interface ReaderDeps {
  /** The monotonic time; notices a clock that jumped before it answers. */
  readonly now: () => number;
  readonly limitHistory: Limit;
  readonly onDelivered: (events: number) => void;
  readonly onNotice: (event: Notice["event"]) => void;
  /** Told of failures that nobody expects. */
  readonly onFault: (error: unknown) => void;
}

/**
 * A connection as a reader of its tenant's log, with a cursor. It is live (a member of an audience, at the horizon) or
 * behind: catching up in slices, or held until something it waits for has come. Nothing is buffered for it beyond one
 * slice and nothing is dropped; reaching the horizon and becoming live is one synchronous step.
 */
export class Reader implements Member, RegisteredStream {
  readonly id: string;
  registration: Registration;
  readonly connection: Connection;
  readonly openedAt: number;
  readonly #tenant: Tenant;
  readonly #reads: Pick<AudienceKey, "format" | "coding">;
  readonly #deps: ReaderDeps;
  readonly #slices: Slices;
  #audience: Audience | undefined;
  #cursor: Position;
  /** The last position the client was told. */
  #told: Position | undefined;
  readonly #hole = new UntoldHole();
  #running = false;
  #ended = false;
  #wait: { readonly for: Wait; readonly since: number } | undefined;

  constructor(
    id: string,
    registration: Registration,
    connection: Connection,
    tenant: Tenant,
    format: FrameFormat,
    start: Start,
    deps: ReaderDeps,
  ) {
    this.id = id;
    this.registration = registration;
    this.connection = connection;
    this.#tenant = tenant;
    this.#reads = { format, coding: connection.coding };
    this.#deps = deps;
    this.#slices = new Slices(tenant, deps.limitHistory);
    this.#cursor = start.position;
    this.#told = start.position;
    this.openedAt = deps.now();
  }

  get isLive(): boolean {
    return this.#audience !== undefined;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The monotonic time of the last sign of life from the reader's log. */
  get logAliveAt(): number {
    return this.#tenant.aliveAt;
  }

  /** What the reader waits for, and since when (monotonic milliseconds). */
  get wait(): { readonly for: Wait; readonly since: number } | undefined {
    return this.#wait;
  }

  /** Where the reader stands, for people who look. */
  get cursor(): Position {
    return this.#audience === undefined ? this.#cursor : this.#tenant.horizon;
  }

  /** Says what is in force and where delivery begins, then begins it. */
  start(ready: object, { position, notice }: Start): void {
    if (notice === undefined) {
      this.tell("ready", ready, position);
    } else {
      this.tell("ready", ready);
      this.#tell(notice, position);
    }
    void this.#run();
  }

  take(coded: Buffer, events: number, now: number): boolean {
    const { deadline, grantEndsAt } = this.registration;
    if (deadline === undefined || now >= deadline || now >= grantEndsAt || !this.connection.writable) return false;
    this.connection.writeCoded(coded);
    this.#deps.onDelivered(events);
    return true;
  }

  detach(position: Position): void {
    const audience = this.#audience;
    if (audience === undefined) return;
    this.#audience = undefined;
    this.#cursor = position;
    this.#tenant.dropIfEmpty(audience);
    void this.#run();
  }

  /** Takes the reader out of its audience: its right is in doubt, or its grant another one. */
  leaveAudience(): void {
    if (this.#audience !== undefined) this.detach(this.#audience.leave(this));
  }

  /** Goes on by another registration of the same person: nothing that comes from here on is written under the old one. */
  rebind(registration: Registration): void {
    this.registration.stream = undefined;
    this.registration = registration;
    registration.stream = this;
    this.leaveAudience();
  }

  /** The log does not go on where the reader stands: it continues from `position`, and is told so. */
  jumpTo(position: Position, notice: Notice): void {
    this.leaveAudience();
    this.#slices.drop();
    this.#hole.forget();
    this.#cursor = position;
    this.#tell(notice, position);
  }

  /** Keeps the connection alive, and tells the client how far it has come if that has changed. */
  beat(): void {
    if (!this.connection.writable) return;
    const position = this.#settle();
    if (position.seq === this.#told?.seq) this.connection.write(BEAT_FRAME);
    else this.tell("cursor", "", position);
  }

  /** Tells which topics are granted from here on. */
  tellSubscription(): void {
    const effectiveFrom = formatEventId(this.#tenant.epoch, this.cursor);
    this.tell("subscription", { topics: this.registration.topicGrants, effectiveFrom });
  }

  /** Writes a frame of our own. */
  tell(event: string, data: object | "", position?: Position): void {
    if (position !== undefined) this.#told = position;
    this.connection.write(encodeControl(event, data, position && formatEventId(this.#tenant.epoch, position)));
  }

  /** Ends the stream because the person's right to it is over; a reader that is behind gets nothing more at all. */
  revoke(reason: EndReason): void {
    const isBehind = this.connection.behind || (reason !== "expired" && !this.isLive);
    this.#stop();
    if (isBehind) this.connection.reset();
    else this.connection.end(encodeControl("auth_error", { reason }));
  }

  /** Ends the stream for a reason of ours; the client comes back and goes on where it was. */
  bye(reason: "drain" | "max_age" | "slow", retryMs: number): void {
    const position = this.#settle();
    if (position.seq !== this.#told?.seq) this.tell("cursor", "", position);
    this.#stop();
    this.connection.end(Buffer.concat([Buffer.from(`retry: ${retryMs}\n`), encodeControl("bye", { reason, retryMs })]));
  }

  /** The socket is gone. */
  gone(): void {
    this.#stop();
  }

  /** Where the reader stands, once what is pending for it has been written. */
  #settle(): Position {
    this.#audience?.flush();
    this.#tellHole();
    return this.cursor;
  }

  #stop(): void {
    this.#ended = true;
    const audience = this.#audience;
    this.#audience = undefined;
    if (audience === undefined) return;
    audience.leave(this);
    this.#tenant.dropIfEmpty(audience);
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      for (let wait = this.#step(); wait !== undefined; wait = this.#step()) await wait;
      this.#wait = undefined;
    } catch (error) {
      this.#deps.onFault(error);
      this.#stop();
      this.connection.reset();
    } finally {
      this.#running = false;
    }
  }

  /**
   * Does as much as can be done now. Answers what to wait for before the next step, or undefined once the reader is live or
   * over. No `await` in here: what was looked at still holds when the reader becomes live.
   */
  #step(): Promise<void> | undefined {
    if (this.#ended) return undefined;
    const { registration } = this;
    const now = this.#deps.now();
    const isExpired = registration.deadline !== undefined && now >= registration.deadline;
    const over = registration.ended ?? (isExpired ? "expired" : undefined);
    if (over !== undefined) {
      this.revoke(over);
      return undefined;
    }
    if (!this.connection.writable) return this.#waitFor("socket", this.connection.drained());
    if (!this.#tenant.isLive) return this.#waitFor("log", this.#tenant.nextMove());
    const grant = registration.grantAt(this.#cursor.seq + 1, now);
    if (grant === undefined) return this.#waitFor("authorization", registration.changed.next());
    if (this.#cursor.seq === this.#tenant.horizon.seq) {
      this.#tellHole();
      return this.#becomeLive(grant);
    }
    if (this.#cursor.seq > this.#tenant.horizon.seq) return this.#waitFor("log", this.#tenant.nextMove());
    const slice = this.#slices.after(this.#cursor.seq);
    if (slice === undefined) return this.#waitFor("history", this.#fetch());
    return this.#deliver(slice, grant, now);
  }

  #waitFor(what: Wait, promise: Promise<void>): Promise<void> {
    if (this.#wait?.for !== what) this.#wait = { for: what, since: this.#deps.now() };
    return promise;
  }

  #becomeLive(grant: Grant): Promise<void> | undefined {
    const audience = this.#tenant.audienceOf({ topics: this.registration.topics, grant, ...this.#reads });
    if (audience.settled !== undefined) return audience.settled;
    this.#audience = audience;
    audience.join(this);
    return undefined;
  }

  async #fetch(): Promise<void> {
    const gone = await this.#slices.fetch(this.#cursor.seq);
    if (gone !== undefined) this.#skipTo(gone);
  }

  /** Writes what a slice holds for this reader, up to the first event that is not decided yet. */
  #deliver(slice: readonly LogEntry[], grant: Grant, now: number): Promise<void> | undefined {
    const frames: Buffer[] = [];
    let events = 0;
    let undecided: Promise<void> | undefined;
    for (const entry of slice) {
      if (this.registration.grantAt(entry.position.seq, now) === undefined) break;
      if (entry.kind === "event") {
        const verdict = authorizeEvent(this.#tenant, this.registration, grant, entry, this.#reads.format);
        if (verdict instanceof Promise) undecided = verdict;
        else if (verdict !== undefined) {
          events += 1;
          frames.push(...this.#takeHole(), verdict);
        }
      }
      if (undecided !== undefined) break;
      if (entry.kind === "hole") this.#hole.add(this.#cursor, entry.position);
      this.#cursor = entry.position;
      this.#wait = undefined;
    }
    if (frames.length > 0) {
      this.connection.write(Buffer.concat(frames));
      this.#deps.onDelivered(events);
    }
    if (undecided !== undefined) return this.#waitFor("authorization", undecided);
    // At the horizon it becomes live at once: a turn later there would be something new, and so for ever.
    if (this.#cursor.seq === this.#tenant.horizon.seq) return this.#step();
    // A turn of the event loop between slices: microtasks alone would let one long catch-up stop everybody else.
    return setImmediate();
  }

  /** Entries before the first one retained are gone: says so, and goes on there. */
  #skipTo(gone: Pick<Bounds, "first" | "goneBy">): void {
    this.#tellHole();
    const { position, notice } = gapBefore(this.#tenant.epoch, this.#cursor, gone);
    this.#cursor = position;
    this.#tell(notice, position);
  }

  /** Tells what is gone before the cursor. */
  #tellHole(): void {
    for (const frame of this.#takeHole()) this.connection.write(frame);
  }

  /** The frame that is due before anything else is written, if there is one. */
  #takeHole(): Buffer[] {
    const gap = this.#hole.take(this.#tenant.epoch);
    return gap === undefined ? [] : [this.#frameOf(gap.notice, gap.position)];
  }

  #tell(notice: Notice, position: Position): void {
    this.connection.write(this.#frameOf(notice, position));
  }

  #frameOf({ event, data }: Notice, position: Position): Buffer {
    this.#deps.onNotice(event);
    this.#told = position;
    return encodeControl(event, data, formatEventId(this.#tenant.epoch, position));
  }
}
