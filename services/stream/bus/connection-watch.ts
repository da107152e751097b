import { setTimeout as delay } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/transport-node";
import { Notifier } from "#shared/async/notifier.ts";

/** Follows whether NATS is connected, until `stop`. Requests while it is not are lost without an error. */
export class ConnectionWatch {
  readonly #stop: AbortSignal;
  readonly #reconnected = new Notifier();
  #outage = new AbortController();

  constructor(nats: NatsConnection, stop: AbortSignal) {
    this.#stop = stop;
    stop.addEventListener("abort", () => this.#reconnected.notify());
    void this.#follow(nats);
  }

  /** Aborted when the present connection is lost. */
  get lost(): AbortSignal {
    return this.#outage.signal;
  }

  /** Resolves once NATS is connected, or on `stop`. */
  async up(): Promise<void> {
    while (this.lost.aborted && !this.#stop.aborted) await this.#reconnected.next();
  }

  /** Waits, but no longer than until the next reconnect or `stop`. */
  async pause(ms: number): Promise<void> {
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.#stop]);
    await Promise.race([delay(ms, undefined, { signal }).catch(() => undefined), this.#reconnected.next()]);
    over.abort();
  }

  async #follow(nats: NatsConnection): Promise<void> {
    for await (const { type } of nats.status()) {
      // Seen with the next status: a ping gives one every few seconds.
      if (this.#stop.aborted) return;
      if (type === "disconnect") this.#outage.abort();
      if (type !== "reconnect") continue;
      this.#outage = new AbortController();
      this.#reconnected.notify();
    }
  }
}
