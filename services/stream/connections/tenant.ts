import { Decisions } from "../access/decisions.ts";
import type { Decider } from "../access/ports.ts";
import type { Residual } from "../access/residual.ts";
import type { ErasedEntry } from "#shared/contract/control-entry.ts";
import type { EventEntry, LogEntry, Poison, Position } from "../event.ts";
import type { Bounds, LogView } from "../log/resume.ts";
import { Notifier } from "#shared/async/notifier.ts";
import { Erasures } from "../log/erasures.ts";
import { Tail, type TailBudget } from "../log/tail.ts";
import { Audience, type AudienceKey, formatAudienceKey } from "../audiences/audience.ts";
import type { Registration } from "../access/registration.ts";
import { TopicIndex } from "../audiences/topic-index.ts";

/** After this long without a sign of life from the log nothing more is delivered: it could not tell of a revoke. */
const LOG_SILENCE_MS = 10_000;

/**
 * Reads a tenant's log where the tail has no more. Throws AppError `unavailable` when JetStream does not answer; may be
 * repeated.
 */
export interface History {
  /**
   * Entries after `seq`, up to `maxBytes` of payload but at least one if there is any. What the leader says is gone from the
   * middle of the log stands among them as a hole. The first may be a later one only where the log has lost its beginning.
   */
  after(seq: number, maxBytes: number): Promise<readonly LogEntry[]>;
  bounds(): Promise<Bounds>;
  tagOf(seq: number): Promise<string | undefined>;
  positionBefore(wallMs: number): Promise<Position>;
}

/** What all tenants of an edge have in common. */
export interface TenantDeps {
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
  readonly erasures = new Erasures();
  readonly registrations = new Set<Registration>();
  /** How many streams of the tenant are open on this edge. */
  streams = 0;
  /** Audiences by the topics they asked for. */
  readonly topics = new TopicIndex<Audience>();
  /** Notified when the horizon moved after standing still for a waiting reader, or the log came back. */
  readonly moved = new Notifier();
  readonly #audiences = new Map<string, Audience>();
  readonly #quarantine = new WeakSet<EventEntry>();
  readonly #deps: TenantDeps;
  #epoch = "";
  #horizon: Position = { seq: 0, tag: "0" };
  #waiting = 0;
  #isOpen = false;
  #generation = 0;
  /** The monotonic time of the log's last sign of life. */
  aliveAt = Number.NEGATIVE_INFINITY;

  constructor(id: string, history: History, deps: TenantDeps) {
    this.id = id;
    this.history = history;
    this.#deps = deps;
    this.tail = new Tail(deps.tailBudget, deps.now);
    this.decisions = new Decisions(id, deps.decider, deps.countDecisions);
  }

  get epoch(): string {
    return this.#epoch;
  }

  get horizon(): Position {
    return this.#horizon;
  }

  /** How many times the log was opened anew: positions from before mean nothing after. */
  get generation(): number {
    return this.#generation;
  }

  get audiences(): Iterable<Audience> {
    return this.#audiences.values();
  }

  /** Whether the log is read and alive, so that what was decided may be delivered. */
  get isLive(): boolean {
    return this.#isOpen && this.#deps.now() - this.aliveAt < LOG_SILENCE_MS;
  }

  /** Begins at `horizon` of the log that `epoch` names: nothing is in memory yet. */
  open(epoch: string, horizon: Position): void {
    this.tail.clear();
    this.#epoch = epoch;
    this.#horizon = horizon;
    this.#isOpen = true;
    this.#generation += 1;
    this.markAlive();
  }

  /** The log gave a sign of life. */
  markAlive(): void {
    this.aliveAt = this.#deps.now();
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

  /** Serves nothing any more of what an entry of the log has erased. */
  erase(entry: ErasedEntry): void {
    const erasure = this.erasures.add(entry, this.#epoch, this.#deps.now());
    this.tail.erase((event) => erasure.covers(event));
  }

  /** Forgets what is in memory of the log: some of it is not in the log any more, and nobody knows what. */
  forgetTail(): void {
    this.tail.clear();
    this.erasures.countPurge();
  }

  /** Gives up on an event that cannot be judged or encoded; tells so once, however many readers meet it. */
  quarantine(entry: EventEntry, error: unknown): void {
    if (this.#quarantine.has(entry)) return;
    this.#quarantine.add(entry);
    this.#deps.onPoison({ tenant: this.id, seq: entry.position.seq, reason: "failed", error });
  }

  /** The audience of live readers who have this in common. */
  audienceOf(common: AudienceKey): Audience {
    const key = formatAudienceKey(common);
    const known = this.#audiences.get(key);
    if (known !== undefined && known.common.grant === common.grant) return known;
    const audience = new Audience(common, {
      now: this.#deps.now,
      horizon: () => this.#horizon,
      flushMs: this.#deps.flushMs,
    });
    this.#audiences.set(key, audience);
    this.topics.add(common.topics, audience);
    return audience;
  }

  /** Drops the audience if nobody is left in it. */
  dropIfEmpty(audience: Audience): void {
    if (audience.size > 0) return;
    this.topics.remove(audience.common.topics, audience);
    const key = formatAudienceKey(audience.common);
    if (this.#audiences.get(key) === audience) this.#audiences.delete(key);
  }

  tagInTail(seq: number): string | undefined {
    const entry = this.tail.at(seq);
    return entry?.kind === "hole" ? undefined : entry?.position.tag;
  }

  isInTail(seq: number): boolean {
    return this.tail.at(seq) !== undefined;
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
