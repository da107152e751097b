import type { KV } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { KEY_RING_ENTRY, KEYS_BUCKET } from "#shared/contract/key-ring.ts";
import { orUnavailable } from "#shared/async/or-unavailable.ts";
import { openBucket } from "#shared/nats/open-bucket.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import { isLostRace } from "#shared/nats/is-lost-race.ts";
import type { KeyRingStore } from "./follow-key-ring.ts";
import { keyRingSchema } from "./key-ring.ts";

/** The ring is one value of some kilobytes. */
const ROOM = { reserved: 4 * 1024 * 1024, most: 16 * 1024 * 1024 };

/** The ring of keys in JetStream, which all auth processes share. */
export async function openKeyRingStore(
  nats: NatsConnection,
  { replicas }: { replicas: number },
): Promise<KeyRingStore> {
  const kv = await openBucket(nats, KEYS_BUCKET, { replicas, room: ROOM });
  return {
    async read() {
      const entry = await answered(() => kv.get(KEY_RING_ENTRY));
      if (entry === null || entry.operation !== "PUT") return { ring: undefined, revision: entry?.revision ?? 0 };
      const parsed = keyRingSchema.safeParse(parseJson(entry.string()));
      return { ring: parsed.success ? parsed.data : "unreadable", revision: entry.revision };
    },
    replace: (ring, revision) => answered(() => update(kv, JSON.stringify(ring), revision)),
  };
}

async function update(kv: KV, value: string, revision: number): Promise<boolean> {
  try {
    await kv.put(KEY_RING_ENTRY, value, { previousSeq: revision });
    return true;
  } catch (error) {
    if (isLostRace(error)) return false;
    throw error;
  }
}

function answered<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  return orUnavailable("the store of keys does not answer; try again", call);
}
