import type { KV } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { BootError } from "#shared/config/read-config.ts";
import { openBucket } from "#shared/nats/open-bucket.ts";
import { generateKeyRing, type StoredKeyRing, storedKeyRingSchema } from "./key-ring.ts";

const BUCKET = "sluice_keys";
const KEY = "ring";

/**
 * Loads the key ring that all auth processes share, and makes it where there is none. Processes that start at the same time
 * end with the same ring: the store lets one of them create it.
 * @throws {BootError} when the bucket cannot be had or what stands in it is not a key ring.
 */
export async function loadKeyRing(nats: NatsConnection, { replicas }: { replicas: number }): Promise<StoredKeyRing> {
  const kv = await openBucket(nats, BUCKET, { replicas });
  const stored = await readRing(kv);
  if (stored !== undefined) return stored;
  const fresh = await generateKeyRing();
  try {
    await kv.create(KEY, JSON.stringify(fresh));
    return fresh;
  } catch (error) {
    const others = await readRing(kv);
    if (others === undefined) throw error;
    return others;
  }
}

async function readRing(kv: KV): Promise<StoredKeyRing | undefined> {
  const entry = await kv.get(KEY);
  if (entry === null) return undefined;
  try {
    return storedKeyRingSchema.parse(entry.json());
  } catch {
    throw new BootError(`the entry ${KEY} of the bucket ${BUCKET} is not a key ring`);
  }
}
