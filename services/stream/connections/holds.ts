import type { Hold } from "../durable/hold.ts";
import { type SubscriptionKey, textOf } from "../durable/subscription-store.ts";
import type { Reader } from "./reader.ts";

/** A holder says in the record that it is there at least this often, and much more often than a short life would be over. */
const ALIVE_EVERY_MS = 3_600_000;

/** How often the holders are looked after. */
const LOOK_EVERY_MS = 10_000;

/** All records of a worker are written no more often than so: each write syncs the disk that the logs are on. */
const WRITES_PER_SECOND = 500;

/** The least and the longest time between two writes of one record. */
const PACE_MS = { min: 20, max: 2_000 };

/** A durable subscription and the stream that it is delivered to. */
export interface Held {
  readonly hold: Hold;
  readonly reader: Reader;
}

/** The durable subscriptions that this worker delivers. Disposing it waits until all that were let go are stored. */
export class Holds implements AsyncDisposable {
  readonly #held = new Map<string, Held>();
  readonly #releasing = new Set<Promise<void>>();
  readonly #attaching = new Map<string, PromiseWithResolvers<void>>();
  readonly #timer: NodeJS.Timeout;

  /** `wall` is the time in milliseconds since 1970. */
  constructor(wall: () => number) {
    this.#timer = setInterval(() => this.#stayAlive(wall()), LOOK_EVERY_MS).unref();
  }

  get size(): number {
    return this.#held.size;
  }

  /** The hold of a subscription, while its stream goes on. */
  find(key: SubscriptionKey): Held | undefined {
    const held = this.#held.get(textOf(key));
    return held?.hold.ended === true ? undefined : held;
  }

  /** A connection is about to hold a subscription, until it is added or released, or gives up: its record names it before that. */
  attach(connectionId: string): void {
    this.#attaching.set(connectionId, Promise.withResolvers());
  }

  /** A connection is not about to hold a subscription any more. */
  giveUp(connectionId: string): void {
    this.#attaching.get(connectionId)?.resolve();
    this.#attaching.delete(connectionId);
  }

  /** Resolves once a connection is not about to hold a subscription any more. */
  async attached(connectionId: string): Promise<void> {
    await this.#attaching.get(connectionId)?.promise;
  }

  add(held: Held): void {
    this.#held.set(textOf(held.hold.key), held);
    this.giveUp(held.reader.ids.connectionId);
  }

  /** Lets go of a subscription; answers once its record is stored, or the store did not answer in time. */
  async release(hold: Hold): Promise<void> {
    const key = textOf(hold.key);
    const { holder } = hold.record;
    if (holder !== undefined) this.giveUp(holder.connectionId);
    const releasing = hold.release();
    this.#releasing.add(releasing);
    await releasing;
    this.#releasing.delete(releasing);
    // Another stream of this worker may hold it by now.
    if (this.#held.get(key)?.hold === hold) this.#held.delete(key);
  }

  /** How long a record waits between two writes: the longer, the more of them there are. */
  paceMs(): number {
    const fairMs = (this.#held.size * 1_000) / WRITES_PER_SECOND;
    return Math.min(PACE_MS.max, Math.max(PACE_MS.min, fairMs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#releasing);
  }

  #stayAlive(now: number): void {
    for (const { hold } of this.#held.values()) {
      const { seenAt, definition } = hold.record;
      if (now - seenAt >= Math.min(ALIVE_EVERY_MS, definition.ttlSeconds * 250)) hold.stayAlive();
    }
  }
}
