import type { ErasedEntry } from "#shared/contract/control-entry.ts";
import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "#shared/errors/app-error.ts";
import { Notifier } from "#shared/async/notifier.ts";
import type { EventEntry, LogEntry, Position } from "../event.ts";
import { Erasures } from "./erasures.ts";
import type { LogLeader, LogView } from "./resume.ts";
import { RecentSlices } from "./recent-slices.ts";
import { Tail, type TailBudget } from "./tail.ts";

/** After this long without a sign of life from the log, delivery stops: a revoke could be missed. */
const LOG_SILENCE_MS = 10_000;

/** A mirror hears of its origin each second: after this long it is cut off. */
const CUT_OFF_MS = 2_000;

/** What one region has, the other has this much later at the most, while the link is there. */
const COMES_WITHIN_MS = 3_000;
const LOOK_EVERY_MS = 50;

/**
 * Reads a tenant's log where the tail has no more. Throws AppError `unavailable` when JetStream does not answer; may be
 * repeated.
 */
export interface History extends LogLeader {
  /**
   * Entries after `seq`, up to `maxBytes` of payload but at least one if there is any. A hole takes the place of what the
   * leader says is gone from the middle of the log. The first entry follows `seq` unless the log has lost its beginning.
   */
  after(seq: number, maxBytes: number): Promise<readonly LogEntry[]>;
  /**
   * A position behind `seq`, `horizon` at most, such that no event under these patterns and no hole is between the two, by the
   * leader of the log that `epoch` names. Undefined where there is none, or none can be told.
   */
  quietAfter(seq: number, patterns: readonly string[], horizon: Position, epoch: string): Promise<Position | undefined>;
}

/** The edge, as far as a tenant's log uses it. */
export interface TenantLogDeps {
  readonly tailBudget: TailBudget;
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
}

/** A tenant's log as far as this edge has read it: its position (the horizon), its tail in memory, and whether it lives. */
export class TenantLog implements LogView, Disposable {
  readonly tenant: string;
  readonly history: History;
  readonly tail: Tail;
  /** What readers have read from JetStream of late. */
  readonly recent: RecentSlices;
  readonly erasures = new Erasures();
  readonly #now: () => number;
  /** Notified when the horizon moved while a reader waited for it, or the log gave a sign of life. */
  readonly #moved = new Notifier();
  #waiting = 0;
  #epoch = "";
  #horizon: Position = { seq: 0, tag: "0" };
  #isOpen = false;
  #generation = 0;
  #aliveAt = Number.NEGATIVE_INFINITY;
  #mirroredUpTo = 0;
  #isMirror = false;
  /** Whether its leader here has said that nothing comes from the region where it is written. */
  #isCutOff = false;
  /** The last sequence that the leader has told of. */
  #last = 0;

  constructor(tenant: string, history: History, { tailBudget, now }: TenantLogDeps) {
    this.tenant = tenant;
    this.history = history;
    this.#now = now;
    this.tail = new Tail(tailBudget, now);
    this.recent = new RecentSlices(tailBudget, now);
  }

  get epoch(): string {
    return this.#epoch;
  }

  get mirroredUpTo(): number {
    return this.#mirroredUpTo;
  }

  get horizon(): Position {
    return this.#horizon;
  }

  /** Entries up to the last one that the leader has told of which were not read yet. */
  get unread(): number {
    return Math.max(0, this.#last - this.#horizon.seq);
  }

  /** How many times the log began anew: positions of an earlier generation mean nothing in this one. */
  get generation(): number {
    return this.#generation;
  }

  /** The monotonic time of the log's last sign of life. */
  get aliveAt(): number {
    return this.#aliveAt;
  }

  /** Whether the log is open and alive. While it is not, nothing is delivered. */
  get isLive(): boolean {
    return this.#isOpen && this.#now() - this.#aliveAt < LOG_SILENCE_MS;
  }

  /**
   * Whether the log is written in another region. Then neither entries nor heartbeats are a sign of life, which is heard of the origin
   * alone: `hearOrigin`.
   */
  get isMirror(): boolean {
    return this.#isMirror;
  }

  set isMirror(isMirror) {
    this.#isMirror = isMirror;
    this.erasures.isPurgedLate = isMirror;
    if (!isMirror) this.#isCutOff = false;
  }

  /** What the log is silent by, where it is: the log itself, or the link to its region. */
  get silentBy(): "log" | "region" {
    return this.#isCutOff ? "region" : "log";
  }

  /** The log's leader here said at the monotonic time `at` that it has heard nothing of the origin for so long. */
  hearOrigin(at: number, silentMs: number): void {
    this.#isCutOff = silentMs > CUT_OFF_MS;
    this.#markAliveAt(at - silentMs);
  }

  /**
   * Answers whether the log comes to have that sequence: a mirror may lack for a moment what a client has had from an edge of another
   * region.
   * @throws {AppError} `unavailable` where the mirror hears nothing of its origin, which may have it.
   */
  async comesTo(seq: number): Promise<boolean> {
    for (const end = this.#now() + COMES_WITHIN_MS; this.#isMirror;) {
      if (this.#horizon.seq >= seq || (await this.history.bounds()).last >= seq) return true;
      if (this.#now() - this.#aliveAt > CUT_OFF_MS) {
        throw new AppError("unavailable", "the region of this tenant cannot be reached, and what comes next is there");
      }
      if (this.#now() >= end) return false;
      await delay(LOOK_EVERY_MS);
    }
    return false;
  }

  /** Begins at `horizon` of the log that `epoch` names: nothing is in memory yet. `mirrored`: see `mirroredUpTo`. */
  reset(epoch: string, horizon: Position, mirrored = 0): void {
    this.tail.clear();
    this.recent.clear();
    this.#epoch = epoch;
    this.#mirroredUpTo = mirrored;
    this.#horizon = horizon;
    this.#last = horizon.seq;
    this.#isOpen = true;
    this.#generation += 1;
    // What an earlier log has said of its life is no word of this one's.
    this.#aliveAt = Number.NEGATIVE_INFINITY;
    this.markAlive();
  }

  /** The log gave a sign of life, or an entry was read: of a mirror, that is none. */
  markAlive(): void {
    if (!this.#isMirror) this.#markAliveAt(this.#now());
    else if (this.#waiting > 0) this.#moved.notify();
  }

  /** The log's leader has told that this is the last sequence now. */
  noteLast(seq: number): void {
    this.#last = seq;
  }

  /** Appends the entry that follows the horizon, and moves the horizon. What an erasure names is served no more. */
  advance(entry: LogEntry): void {
    if (entry.kind === "control" && entry.change.of === "erased") this.#erase(entry.change.entry);
    this.tail.append(entry);
    this.#horizon = entry.position;
  }

  /** Whether an event that comes now is erased already: a mirror brings it before the entry that says so, which may be known by then. */
  isErased(event: EventEntry): boolean {
    return this.#isMirror && this.erasures.covers(event);
  }

  /** Serves nothing any more of what these entries name. */
  erase(entries: readonly ErasedEntry[]): void {
    for (const entry of entries) this.#erase(entry);
  }

  /** Empties the tail: some of its entries are not in the log any more, and no entry says which. */
  forgetTail(): void {
    this.tail.clear();
    this.recent.clear();
    this.erasures.countPurge();
  }

  /** Waits until the horizon moves or the log gives a sign of life. */
  async nextMove(): Promise<void> {
    this.#waiting += 1;
    await this.#moved.next();
    this.#waiting -= 1;
  }

  tagInTail(seq: number): string | undefined {
    const entry = this.tail.at(seq);
    return entry?.kind === "hole" ? undefined : entry?.position.tag;
  }

  isInTail(seq: number): boolean {
    return this.tail.at(seq) !== undefined;
  }

  [Symbol.dispose](): void {
    this.#isOpen = false;
    this.tail[Symbol.dispose]();
    this.recent[Symbol.dispose]();
  }

  #markAliveAt(at: number): void {
    this.#aliveAt = Math.max(this.#aliveAt, at);
    if (this.#waiting > 0) this.#moved.notify();
  }

  #erase(entry: ErasedEntry): void {
    const erasure = this.erasures.add(entry, this.#now());
    this.tail.erase((event) => erasure.covers(event));
    this.recent.clear();
  }
}
