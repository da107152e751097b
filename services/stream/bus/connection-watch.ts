import { setTimeout as delay } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/transport-node";
import { Notifier } from "#shared/async/notifier.ts";

/** Follows whether the connection to NATS is there, until `stop`. What is asked while it is away is lost in silence. */
export class ConnectionWatch {
  readonly #stop: AbortSignal;
  readonly #reconnected = new Notifier();
  #outage = new AbortController();

  constructor(nats: NatsConnection, stop: AbortSignal) {
    this.#stop = stop;
    stop.addEventListener("abort", () => this.#reconnected.notify());
    void this.#follow(nats);
  }

  /** Aborted when the connection is lost that is there now. */
  get lost(): AbortSignal {
    return this.#outage.signal;
  }

  /** Resolves once the connection is there, or nobody needs it any more. */
  async up(): Promise<void> {
    while (this.lost.aborted && !this.#stop.aborted) await this.#reconnected.next();
  }

  /** Waits, but no longer than until the next reconnect or until nobody needs the connection any more. */
  async pause(ms: number): Promise<void> {
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.#stop]);
    await Promise.race([delay(ms, undefined, { signal }).catch(() => undefined), this.#reconnected.next()]);
    over.abort();
  }

  async #follow(nats: NatsConnection): Promise<void> {
    for await (const { type } of nats.status()) {
      // The next status, whenever that is: a ping tells one every few seconds.
      if (this.#stop.aborted) return;
      if (type === "disconnect") this.#outage.abort();
      if (type !== "reconnect") continue;
      this.#outage = new AbortController();
      this.#reconnected.notify();
    }
  }
}
