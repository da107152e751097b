import type { ControlData } from "#shared/protocol/control-frames.ts";
import { isListable, type PresenceNews } from "./presence-news.ts";

/** A worker that has not answered for so long counts as missing; a suspect, as gone. */
const PATIENCE_MS = 1_000;

/** More workers than there are can only be made up. */
const MAX_WORKERS = 4_096;

/** What one worker has reported. */
interface WorkerReport {
  readonly people: Map<string, number> | undefined;
  readonly devices: number;
  /** Undefined where a piece is missing: the next list is waited for. */
  readonly last: { readonly run: string; readonly seq: number } | undefined;
  /** Since when its lease is over and it has said nothing; undefined while it is no suspect. */
  readonly suspectedAt: number | undefined;
}

/** The data of a frame. */
export type PresenceFrame = ControlData["presence"];

/** Who listens to a watched topic at all workers, put together from their news, and the frames that say so. */
export class WatchedPeople {
  readonly #topic: string;
  readonly #reports = new Map<string, WorkerReport>();
  /** Workers that live and have not reported anything, since when that is known. */
  readonly #missing = new Map<string, number>();
  /** As the last frame has it. */
  #framed: {
    readonly people: ReadonlyMap<string, number> | undefined;
    readonly devices: number;
    readonly partial: boolean;
  } = { people: new Map(), devices: 0, partial: false };
  #seq = 0;
  /** Nothing was reported since the last frame. */
  #isSame = false;

  constructor(topic: string) {
    this.#topic = topic;
  }

  /** The number of the last frame. */
  get seq(): number {
    return this.#seq;
  }

  /** How many workers have reported something. */
  get workers(): number {
    return this.#reports.size;
  }

  /** The last news of each worker. */
  get known(): Record<string, { readonly run: string; readonly seq: number }> {
    return Object.fromEntries(
      [...this.#reports].flatMap(([worker, { last }]) => (last === undefined ? [] : [[worker, last]])),
    );
  }

  /** Takes over a worker's news; answers whether some are missing, so that it must be asked for all it knows. */
  apply(worker: string, news: PresenceNews): boolean {
    const known = this.#reports.get(worker);
    if (known === undefined && this.#reports.size >= MAX_WORKERS) return false;
    const { run, seq, isWhole, isListed, joined, left, devices } = news;
    this.#isSame = false;
    const last = { run, seq };
    this.#missing.delete(worker);
    if (isWhole) {
      this.#reports.set(worker, {
        people: isListed ? new Map(joined) : undefined,
        devices,
        last,
        suspectedAt: undefined,
      });
      return false;
    }
    if (known?.last?.run === run && seq <= known.last.seq) return false;
    const follows = known?.last?.run === run && seq === known.last.seq + 1 && (known.people !== undefined) === isListed;
    if (known === undefined || !follows) {
      if (known !== undefined) this.#reports.set(worker, { ...known, last: undefined });
      return true;
    }
    for (const subject of left) known.people?.delete(subject);
    for (const [subject, sinceMs] of joined) known.people?.set(subject, sinceMs);
    this.#reports.set(worker, { people: known.people, devices, last, suspectedAt: undefined });
    return false;
  }

  /**
   * Takes over which workers live. Answers whether somebody must be asked: a worker that is new, or one that is not among them,
   * which is gone when it says nothing for a second.
   */
  setLive(live: ReadonlySet<string>, now: number): boolean {
    let mustAsk = false;
    for (const worker of live) {
      if (this.#reports.has(worker) || this.#missing.has(worker)) continue;
      this.#missing.set(worker, now);
      mustAsk = true;
    }
    for (const worker of this.#missing.keys()) if (!live.has(worker)) this.#missing.delete(worker);
    for (const [worker, report] of this.#reports) {
      if (!live.has(worker)) mustAsk ||= report.suspectedAt === undefined;
      else if (report.suspectedAt !== undefined) this.#reports.set(worker, { ...report, suspectedAt: undefined });
    }
    this.#suspect((worker) => !live.has(worker), now);
    return mustAsk;
  }

  /** Suspects all workers but `own` of being gone: nobody knows. One that answers is no suspect any more. */
  suspectAll(own: string, now: number): void {
    this.#suspect((worker) => worker !== own, now);
  }

  /** Drops workers that were suspects for a second and have said nothing. */
  dropSuspects(now: number): void {
    for (const [worker, { suspectedAt }] of this.#reports) {
      if (suspectedAt === undefined || now - suspectedAt < PATIENCE_MS) continue;
      this.#reports.delete(worker);
      this.#isSame = false;
    }
  }

  /** Whether no worker is waited for: each has reported something, or has had a second for it. */
  isSettled(now: number): boolean {
    return [...this.#missing.values()].every((since) => now - since >= PATIENCE_MS);
  }

  /**
   * Numbers what has changed since the last frame and answers its frame; undefined where nothing has. `isCertain`: the workers
   * that live are known.
   */
  next(now: number, isCertain: boolean): PresenceFrame | undefined {
    const before = this.#framed;
    const partial = !isCertain || [...this.#missing.values()].some((since) => now - since >= PATIENCE_MS);
    if (this.#isSame && partial === before.partial) return undefined;
    this.#isSame = true;
    const people = this.#union(before.people !== undefined);
    const devices = [...this.#reports.values()].reduce((sum, report) => sum + report.devices, 0);
    this.#framed = { people, devices, partial };
    if (people === undefined || before.people === undefined) {
      if (people === before.people && devices === before.devices && partial === before.partial) return undefined;
      this.#seq += 1;
      return this.snapshot();
    }
    const joined = [...people].filter(([subject]) => !before.people?.has(subject));
    const left = [...before.people.keys()].filter((subject) => !people.has(subject));
    if (joined.length + left.length === 0 && partial === before.partial && this.#seq > 0) return undefined;
    this.#seq += 1;
    return { topic: this.#topic, seq: this.#seq, joined: listed(joined), left, partial };
  }

  /** The frame that says everything, for those who have not got the frame before the last one. */
  snapshot(): PresenceFrame {
    const { people, devices, partial } = this.#framed;
    const list = {
      topic: this.#topic,
      seq: this.#seq,
      snapshot: true as const,
      joined: listed(people ?? []),
      left: [],
      partial,
    };
    return people === undefined ? { ...list, devices } : list;
  }

  #suspect(isSuspected: (worker: string) => boolean, now: number): void {
    for (const [worker, report] of this.#reports) {
      if (!isSuspected(worker) || report.suspectedAt !== undefined) continue;
      // Nothing of its news counts as known, so that it reports all it knows when it is asked.
      this.#reports.set(worker, { ...report, last: undefined, suspectedAt: now });
    }
  }

  /** All people, each since the first of their connections; undefined where they are too many to be listed. */
  #union(wasListed: boolean): ReadonlyMap<string, number> | undefined {
    const all = new Map<string, number>();
    for (const { people } of this.#reports.values()) {
      if (people === undefined) return undefined;
      for (const [subject, sinceMs] of people) all.set(subject, Math.min(sinceMs, all.get(subject) ?? sinceMs));
    }
    return isListable(all.size, wasListed) ? all : undefined;
  }
}

function listed(people: Iterable<readonly [string, number]>): PresenceFrame["joined"] {
  return Array.from(people, ([subject, sinceMs]) => ({ subject, since: new Date(sinceMs).toISOString() }));
}
