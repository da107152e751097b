import { sharingLimiter } from "#shared/async/fair-limiter.ts";
import { poll } from "#shared/async/poll.ts";
import { toAppError } from "#shared/errors/app-error.ts";
import { backoffMs } from "#shared/time/backoff.ts";
import type { Stream } from "../connections/hub.ts";
import { type SubscriptionKey, textOf } from "../durable/subscription-store.ts";

const LOOK_EVERY_MS = 2_000;

/** So many are opened at a time. */
const OPENED_TOGETHER = 16;

/** A subscription that could not be taken is tried again after this. */
const BACKOFF = { baseMs: 500, maxMs: 30_000 };

/** What webhooks are served with. */
export interface ServeWebhooksDeps {
  /** Takes a subscription for its callback; throws AppError as `openWebhook` does. */
  readonly open: (key: SubscriptionKey) => Promise<Stream>;
  /** Whether that connection holds the subscription still, or that cannot be found out. */
  readonly isHeld: (key: SubscriptionKey, connectionId: string) => Promise<boolean>;
  /** The worker that a connection id names. */
  readonly workerOf: (connectionId: string) => string | undefined;
  readonly observer: ServeWebhooksObserver;
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
  /** How often to look whether the holders of the others are there still; two seconds where it is left out. */
  readonly everyMs?: number;
}

/** What serving webhooks reports. */
export interface ServeWebhooksObserver {
  /** A subscription cannot be taken, for that reason; once until it can be. */
  untaken(key: SubscriptionKey, error: unknown): void;
}

/** A subscription with a callback. */
interface Known {
  readonly key: SubscriptionKey;
  /** The connection that holds it, as its record says. */
  holder: string | undefined;
  /** Whether this process holds it, or is about to. */
  isOurs: boolean;
  failures: number;
  notBefore: number;
}

/**
 * Holds every subscription with a callback that no other process holds. Those that are released, new, or left behind by a process
 * that is gone are taken; whoever stores the record as its holder first has it.
 */
export class ServeWebhooks implements AsyncDisposable {
  readonly #deps: ServeWebhooksDeps;
  readonly #known = new Map<string, Known>();
  readonly #limit = sharingLimiter(OPENED_TOGETHER);
  readonly #looking: AsyncDisposable;
  #isOver = false;

  constructor(deps: ServeWebhooksDeps) {
    this.#deps = deps;
    this.#looking = poll(deps.everyMs ?? LOOK_EVERY_MS, () => this.#look());
  }

  /** How many it knows of, and how many of them are held here. */
  get counts(): { readonly known: number; readonly held: number } {
    const held = [...this.#known.values()].filter(({ isOurs }) => isOurs).length;
    return { known: this.#known.size, held };
  }

  /** A record with a callback was stored. */
  onCallback(key: SubscriptionKey, holder: string | undefined): void {
    const text = textOf(key);
    const known = this.#known.get(text) ?? { key, holder, isOurs: false, failures: 0, notBefore: 0 };
    known.holder = holder;
    this.#known.set(text, known);
    if (holder === undefined) this.#take(known);
  }

  /** A subscription has no callback any more, or is deleted. */
  onOther(key: SubscriptionKey): void {
    this.#known.delete(textOf(key));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#looking[Symbol.asyncDispose]();
  }

  #take(known: Known): void {
    if (this.#isOver || known.isOurs || this.#deps.now() < known.notBefore) return;
    known.isOurs = true;
    void this.#hold(known);
  }

  async #hold(known: Known): Promise<void> {
    const stream = await this.#limit(known.key.tenant, () => this.#open(known));
    await stream?.reader.connection.closed;
    known.isOurs = false;
  }

  async #open(known: Known): Promise<Stream | undefined> {
    if (this.#isOver) return undefined;
    const { key } = known;
    try {
      const stream = await this.#deps.open(key);
      known.failures = 0;
      return stream;
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code === "not_found") this.#known.delete(textOf(key));
      else if (error.busy !== "held") {
        if (known.failures === 0) this.#deps.observer.untaken(key, thrown);
        known.failures += 1;
        known.notBefore = this.#deps.now() + backoffMs(known.failures, BACKOFF);
      }
      return undefined;
    }
  }

  /** One holder of each process is asked about: where that is gone, the others may be. */
  async #look(): Promise<void> {
    const others = [...this.#known.values()].filter(({ isOurs }) => !isOurs);
    for (const known of others) if (known.holder === undefined) this.#take(known);
    const held = others.flatMap((known) => (known.holder === undefined ? [] : [{ known, holder: known.holder }]));
    const byWorker = Map.groupBy(held, ({ holder }) => this.#deps.workerOf(holder));
    await Promise.all(
      Array.from(byWorker.values(), async (ofWorker) => {
        const asked = ofWorker[Math.floor(Math.random() * ofWorker.length)];
        if (asked === undefined || (await this.#deps.isHeld(asked.known.key, asked.holder))) return;
        for (const { known } of ofWorker) this.#take(known);
      }),
    );
  }
}
