import { Decisions } from "../authorization/decisions.ts";
import type { Decider } from "../authorization/ports.ts";
import type { Residual } from "../authorization/residual.ts";
import type { EventEntry, LogEntry, Poison, Position } from "../event.ts";
import type { Bounds, LogView } from "../log/resume.ts";
import { Notifier } from "#shared/async/notifier.ts";
import { Tail, type TailBudget } from "../log/tail.ts";
import { Audience, type Common, commonKey } from "./audience.ts";
import type { Listing } from "./listing.ts";
import { TopicIndex } from "./topic-index.ts";

/** After this long without a sign of life from the log nothing more is delivered: it could not tell of a revoke. */
const LOG_SILENCE_MS = 10_000;

/**
 * Reads a tenant's log where the tail has no more. Throws AppError `unavailable` when JetStream does not answer; may be
 * repeated.
 */
export interface History {
  /** Entries after `seq`, up to `maxBytes` of payload but at least one if there is any; the first may be a later one. */
  after(seq: number, maxBytes: number): Promise<readonly LogEntry[]>;
  bounds(): Promise<Bounds>;
  tagOf(seq: number): Promise<string | undefined>;
  positionBefore(wallMs: number): Promise<Position>;
}

/** What all tenants of an edge have in common. */
export interface TenantSetting {
  readonly decider: Decider;
  readonly tailBudget: TailBudget;
  readonly flushMs: number;
  /** Watches what is decided. */
  readonly countDecisions?: (residual: Residual) => Residual;
  /** The monotonic time; notices a clock that jumped before it answers. */
  readonly now: () => number;
  /** Told of each entry that nobody can be shown. */
  readonly onPoison: (poison: Poison) => void;
}

/**
 * A tenant with listeners on this edge: its log as far as this edge has read it (the horizon), its list of connections,
 * and its audiences.
 */
export class Tenant implements LogView, Disposable {
  readonly id: string;
  readonly history: History;
  readonly tail: Tail;
  readonly decisions: Decisions;
  readonly listings = new Set<Listing>();
  /** How many streams of the tenant are open on this edge. */
  streams = 0;
  /** Audiences by the topics they asked for. */
  readonly topics = new TopicIndex<Audience>();
  /** Notified when the horizon moved after standing still for a waiting reader, or the log came back. */
  readonly moved = new Notifier();
  readonly #audiences = new Map<string, Audience>();
  readonly #setAside = new WeakSet<EventEntry>();
  readonly #setting: TenantSetting;
  #epoch = "";
  #horizon: Position = { seq: 0, tag: "0" };
  #waiting = 0;
  #isOpen = false;
  #openings = 0;
  /** The monotonic time of the log's last sign of life. */
  heardAt = Number.NEGATIVE_INFINITY;

  constructor(id: string, history: History, setting: TenantSetting) {
    this.id = id;
    this.history = history;
    this.#setting = setting;
    this.tail = new Tail(setting.tailBudget, setting.now);
    this.decisions = new Decisions(id, setting.decider, setting.countDecisions);
  }

  get epoch(): string {
    return this.#epoch;
  }

  get horizon(): Position {
    return this.#horizon;
  }

  /** How many times the log was opened anew: positions from before mean nothing after. */
  get openings(): number {
    return this.#openings;
  }

  get audiences(): Iterable<Audience> {
    return this.#audiences.values();
  }

  /** Whether the log is read and alive, so that what was decided may be delivered. */
  get isLive(): boolean {
    return this.#isOpen && this.#setting.now() - this.heardAt < LOG_SILENCE_MS;
  }

  /** Begins at `horizon` of the log that `epoch` names: nothing is in memory yet. */
  open(epoch: string, horizon: Position): void {
    this.tail.clear();
    this.#epoch = epoch;
    this.#horizon = horizon;
    this.#isOpen = true;
    this.#openings += 1;
    this.heard();
  }

  /** The log gave a sign of life. */
  heard(): void {
    this.heardAt = this.#setting.now();
    if (this.#waiting > 0) this.moved.notify();
  }

  /** Takes the entry that follows the horizon, and moves it. */
  advance(entry: LogEntry): void {
    this.tail.append(entry);
    this.#horizon = entry.position;
  }

  /** Waits until the horizon moves or the log gives a sign of life. */
  async nextMove(): Promise<void> {
    this.#waiting += 1;
    await this.moved.next();
    this.#waiting -= 1;
  }

  /** Gives up on an event that cannot be judged or encoded; tells so once, however many readers meet it. */
  setAside(entry: EventEntry, error: unknown): void {
    if (this.#setAside.has(entry)) return;
    this.#setAside.add(entry);
    this.#setting.onPoison({ tenant: this.id, seq: entry.position.seq, reason: "failed", error });
  }

  /** The audience of live readers who have this in common. */
  audienceOf(common: Common): Audience {
    const key = commonKey(common);
    const known = this.#audiences.get(key);
    if (known !== undefined && known.common.grant === common.grant) return known;
    const audience = new Audience(common, {
      now: this.#setting.now,
      horizon: () => this.#horizon,
      flushMs: this.#setting.flushMs,
    });
    this.#audiences.set(key, audience);
    this.topics.add(common.topics, audience);
    return audience;
  }

  /** Drops the audience if nobody is left in it. */
  dropIfEmpty(audience: Audience): void {
    if (audience.size > 0) return;
    this.topics.remove(audience.common.topics, audience);
    const key = commonKey(audience.common);
    if (this.#audiences.get(key) === audience) this.#audiences.delete(key);
  }

  tagInTail(seq: number): string | undefined {
    return this.tail.at(seq)?.position.tag;
  }

  bounds(): Promise<Bounds> {
    return this.history.bounds();
  }

  lookUp(seq: number): Promise<string | undefined> {
    return this.history.tagOf(seq);
  }

  positionBefore(wallMs: number): Promise<Position> {
    return this.history.positionBefore(wallMs);
  }

  [Symbol.dispose](): void {
    this.#isOpen = false;
    this.tail[Symbol.dispose]();
  }
}
