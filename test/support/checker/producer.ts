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
  /**
   * Publishes `<name> 0`, `<name> 1` and so on at about that rate until `stop`. A few hundred wait for their acknowledgement at
   * most; what was held up by that is not made up for.
   */
  publishSteadily(topics: readonly string[], name: string, everyMs: number): { stop(): Promise<void> };
}

/** Stores an event under that id; answers its sequence, or undefined where nobody has said that it is stored. */
export type Store = (topic: string, text: string, id: string) => Promise<number | undefined>;

/** Each is sent again after 2 s: a bus that is slower than the rate would have nothing but repetitions to do, for ever. */
const MAX_WAITING = 256;

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
    for (;;) {
      const sequence = await store(topic, text, id).catch(() => undefined);
      if (sequence !== undefined) {
        ledger.push({ of: "acknowledged", text, sequence, at: monotonicMs() });
        return;
      }
      ledger.push({ of: "unacknowledged", tenant, text, at: monotonicMs() });
      await delay(50);
    }
  };
  return {
    publish,
    publishSteadily(topics, name, everyMs) {
      const stopping = new AbortController();
      const eventOf = (n: number) => publish(topics[n % topics.length] ?? "", `${name} ${n}`);
      const running = publishAtRate(eventOf, everyMs, stopping.signal);
      return {
        async stop() {
          stopping.abort();
          await running;
        },
      };
    },
  };
}

async function publishAtRate(
  publish: (n: number) => Promise<void>,
  everyMs: number,
  stopping: AbortSignal,
): Promise<void> {
  const waiting = new Set<Promise<void>>();
  let begin = performance.now();
  for (let n = 0; !stopping.aborted;) {
    for (const due = (performance.now() - begin) / everyMs; n < due && waiting.size < MAX_WAITING; n += 1) {
      const stored = publish(n);
      waiting.add(stored);
      void stored.then(() => waiting.delete(stored));
    }
    if (waiting.size < MAX_WAITING) {
      await delay(Math.max(1, begin + n * everyMs - performance.now()));
    } else {
      await Promise.race(waiting);
      begin = performance.now() - n * everyMs;
    }
  }
  await Promise.all(waiting);
}
