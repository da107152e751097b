import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Bus } from "#test/support/start-stack.ts";
import { type Ledger, monotonicMs } from "./ledger.ts";

/** A producer that writes a ledger. */
export interface Producer {
  /**
   * Publishes an event under an id of its own until the log acknowledges it: a retry after a lost acknowledgement stores
   * nothing twice.
   */
  publish(topic: string, text: string): Promise<void>;
  /** Publishes `<name> 0`, `<name> 1` and so on at about that rate, acknowledged or not, until `stop`. */
  publishSteadily(topics: readonly string[], name: string, everyMs: number): { stop(): Promise<void> };
}

/** Stores an event under that id; answers its sequence, or undefined where nobody has said that it is stored. */
export type Store = (topic: string, text: string, id: string) => Promise<number | undefined>;

/** Makes a producer of a tenant on the bus. */
export function createProducer(bus: Bus, tenant: string, ledger: Ledger): Producer {
  return createProducerBy(tenant, ledger, async (topic, text, msgID) => {
    return (await bus.js.publish(`events.${tenant}.${topic}`, text, { msgID, timeout: 2_000 })).seq;
  });
}

/** Makes a producer of a tenant whose events go where `store` says; it may throw as well. */
export function createProducerBy(tenant: string, ledger: Ledger, store: Store): Producer {
  const publish = async (topic: string, text: string): Promise<void> => {
    const id = randomUUID();
    ledger.push({ of: "published", tenant, topic, text, at: monotonicMs() });
    for (let tries = 1; ; tries += 1) {
      const sequence = await store(topic, text, id).catch(() => undefined);
      if (sequence !== undefined) {
        ledger.push({ of: "acknowledged", text, sequence, at: monotonicMs() });
        return;
      }
      ledger.push({ of: "unacknowledged", tenant, text, at: monotonicMs() });
      // In an outage thousands of events wait: each tries more and more seldom.
      await delay(Math.min(50 * tries, 500));
    }
  };
  return {
    publish,
    publishSteadily(topics, name, everyMs) {
      const publishing: Promise<void>[] = [];
      const stopping = new AbortController();
      const running = (async () => {
        const begin = performance.now();
        for (let n = 0; !stopping.signal.aborted;) {
          for (const due = (performance.now() - begin) / everyMs; n < due; n += 1) {
            publishing.push(publish(topics[n % topics.length] ?? "", `${name} ${n}`));
          }
          await delay(Math.max(1, begin + n * everyMs - performance.now()));
        }
      })();
      return {
        async stop() {
          stopping.abort();
          await running;
          await Promise.all(publishing);
        },
      };
    },
  };
}
