import { Holds } from "../../services/stream/connections/holds.ts";
import type { Subscriptions } from "../../services/stream/connections/subscriptions.ts";
import { parseRecord } from "../../services/stream/durable/record.ts";
import type { StorableRecord, SubscriptionKey } from "../../services/stream/durable/subscription-store.ts";

/** Records of subscriptions in memory, with a store that the test may have fail. */
export class MemoryRecords {
  readonly #values = new Map<string, { readonly text: string; readonly write: number }>();
  #writes = 0;
  /** How often a record was stored. */
  puts = 0;
  /** `lost`: nothing is stored, and nobody answers. `late`: it is stored all the same. */
  fault: "lost" | "late" | undefined;

  async read(key: SubscriptionKey) {
    if (this.fault === "lost") throw new Error("away");
    const value = this.#values.get(textOf(key));
    if (value === undefined) return undefined;
    const parsed = parseRecord(value.text);
    if (parsed.is !== "record") throw new Error(parsed.is);
    return { record: parsed.record, write: value.write };
  }

  async put(key: SubscriptionKey, { text }: StorableRecord, write: number | undefined): Promise<number | undefined> {
    if (this.fault === "lost") throw new Error("away");
    if (this.#values.get(textOf(key))?.write !== write) return undefined;
    this.puts += 1;
    this.#values.set(textOf(key), { text, write: (this.#writes += 1) });
    if (this.fault === "late") throw new Error("no answer in time");
    return this.#writes;
  }

  async remove(key: SubscriptionKey, write: number): Promise<boolean> {
    return this.#values.get(textOf(key))?.write === write && this.#values.delete(textOf(key));
  }

  async names({ tenant, subject }: Pick<SubscriptionKey, "tenant" | "subject">): Promise<string[]> {
    const prefix = `${tenant} ${subject} `;
    const keys = [...this.#values.keys()].filter((key) => key.startsWith(prefix));
    return keys.map((key) => key.slice(prefix.length)).toSorted();
  }

  async count(): Promise<number> {
    return this.#values.size;
  }
}

/** The durable subscriptions of an edge whose clocks the test sets. */
export function memorySubscriptions(now: () => number, callHolder: Subscriptions["callHolder"]): Subscriptions {
  return {
    store: new MemoryRecords(),
    holds: new Holds(now),
    findReal: async (_, tags) => new Set(tags.keys()),
    findEnd: async () => ({ epoch: "first-epoch", seq: 1 }),
    checkCallback: async () => {},
    replacedMs: () => 60_000,
    paceMs: () => 0,
    now,
    context: () => ({ now: now(), life: { expiresMs: 7 * 86_400_000, archivesMs: 15 * 86_400_000 } }),
    callHolder,
    most: { perSubject: 2, perTenant: 3, ttlSeconds: 30 * 86_400 },
  };
}

function textOf({ tenant, subject, name }: SubscriptionKey): string {
  return `${tenant} ${subject} ${name}`;
}
