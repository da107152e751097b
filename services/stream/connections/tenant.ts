import { Decisions } from "../access/decisions.ts";
import type { Decider } from "../access/ports.ts";
import type { Registration } from "../access/registration.ts";
import { Rights } from "../access/rights.ts";
import type { TenantAccess } from "../access/tenant-access.ts";
import type { Flushed } from "../audiences/audience.ts";
import { Audiences } from "../audiences/audiences.ts";
import type { FrameSource } from "../audiences/frame-for.ts";
import { ReachLog } from "../audiences/reach-log.ts";
import type { EventEntry, Position } from "../event.ts";
import { type History, TenantLog, type TenantLogDeps } from "../log/tenant-log.ts";
import { noTracer, type Tracer } from "#shared/trace/tracer.ts";
import type { EventTraces } from "../observe/event-traces.ts";
import type { Observer } from "../observe/observer.ts";
import type { TenantTurns } from "../turns/share.ts";
import type { Turns } from "../turns/turns.ts";

/** What all tenants of an edge have in common. */
export interface TenantDeps extends TenantLogDeps {
  readonly decider: Decider;
  readonly flushMs: number;
  readonly turns: Turns;
  /** The least time between two flushes that the load of the edge asks for, in milliseconds. */
  readonly leastFlushMs: () => number;
  /** Invalidates every session when the clocks have parted. */
  readonly checkClock: () => void;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
  readonly observer: Observer;
  /** Without one nothing is traced. */
  readonly tracer?: Tracer;
  /** Undefined where nothing is traced. */
  readonly traces?: EventTraces | undefined;
}

/** A tenant with listeners on this edge: its log, registrations, decisions and audiences. */
export class Tenant implements TenantAccess, FrameSource, Disposable {
  readonly id: string;
  readonly log: TenantLog;
  readonly decisions: Decisions;
  readonly rights: Rights;
  readonly registrations = new Set<Registration>();
  readonly audiences: Audiences;
  readonly turns: TenantTurns;
  /** Whom the last events reached. */
  readonly reach: ReachLog;
  /** How many streams are open. */
  streams = 0;
  #eventsDelivered = 0;
  readonly #wall: () => number;
  readonly #quarantined = new WeakSet<EventEntry>();
  readonly observer: Observer;
  /** Undefined where nothing is traced. */
  readonly traces: EventTraces | undefined;

  constructor(id: string, history: History, { decider, observer, tracer = noTracer, ...deps }: TenantDeps) {
    this.id = id;
    this.observer = observer;
    this.log = new TenantLog(id, history, deps);
    this.decisions = new Decisions(id, decider, observer, tracer);
    this.traces = deps.traces;
    this.turns = deps.turns.forTenant();
    this.rights = new Rights(this.decisions, this.turns);
    const { now, wall, checkClock, flushMs, leastFlushMs } = deps;
    this.#wall = wall;
    this.reach = new ReachLog((reason) => observer.withheld(reason));
    const horizon = (): Position => this.log.horizon;
    const onFlushed = (batch: Flushed): void => this.#noteFlush(batch);
    this.audiences = new Audiences({ now, checkClock, flushMs, leastFlushMs, turns: this.turns, horizon, onFlushed });
  }

  /** Notes whom an event is for: so many streams may not see it; `isTaken`: it will be written to others. */
  noteFanOut({ position: { seq }, type }: EventEntry, denied: number, isTaken: boolean): void {
    const isWithoutRule = !isTaken && this.decisions.isWithoutRule(type);
    if (isWithoutRule) this.observer.withoutRule(type, this.id);
    this.reach.fannedOut(seq, { denied, isWithoutRule, isTaken });
    if (!this.hasBehind) this.reach.settle();
  }

  /** How many events were written to streams since the log was opened, once for each stream. */
  get eventsDelivered(): number {
    return this.#eventsDelivered;
  }

  /** Notes that events were written to streams, each of them counted, in so many bytes. */
  noteWritten(events: number, bytes: number): void {
    this.#eventsDelivered += events;
    this.observer.delivered(events, bytes);
  }

  /** Whether an open stream is not live. */
  get hasBehind(): boolean {
    return this.streams > this.audiences.live.size;
  }

  /** Gives up on an event that cannot be judged or encoded, and reports it once for all readers. */
  quarantine(entry: EventEntry, error: unknown): void {
    if (this.#quarantined.has(entry)) return;
    this.#quarantined.add(entry);
    this.observer.quarantined({ tenant: this.id, seq: entry.position.seq, reason: "failed", error });
  }

  noteRevoked(storedAt: number): void {
    this.observer.revoked(this.#wall() - storedAt);
  }

  #noteFlush(batch: Flushed): void {
    const now = this.#wall();
    let [written, streams, index] = [0, 0, 0];
    for (const { position, storedAt } of batch.events) {
      streams += batch.receiversFrom(index);
      index += 1;
      if (streams === 0) continue;
      this.reach.written(position.seq, streams);
      this.observer.deliveredAfter(now - storedAt, streams);
      written += streams;
    }
    this.observer.flushed(batch.events.length, batch.bytes);
    this.noteWritten(written, batch.writtenBytes);
  }

  [Symbol.dispose](): void {
    this.log[Symbol.dispose]();
  }
}
