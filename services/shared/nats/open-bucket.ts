import { jetstream, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import { nanos, type NatsConnection } from "@nats-io/transport-node";
import { BootError } from "#shared/config/read-config.ts";

/** How a key-value bucket keeps what is put into it. */
export interface BucketOptions {
  readonly replicas: number;
  /** How many values of a key are kept. */
  readonly history?: number;
  /** How long a value is kept at least; for ever without it. */
  readonly ttlMs?: number;
}

/** How long an operation on a bucket may take. */
const TIMEOUT_MS = 2_000;

/**
 * Opens a bucket, and makes it where there is none. It is on disk, and every read is answered by its leader: a replica that
 * lags must not say that something acknowledged is not there. A bucket that would forget too early is corrected.
 * @throws {BootError} when the bucket cannot be had.
 */
export async function openBucket(nats: NatsConnection, name: string, options: BucketOptions): Promise<KV> {
  try {
    const kv = await new Kvm(jetstream(nats, { timeout: TIMEOUT_MS })).create(name, {
      storage: StorageType.File,
      allow_direct: false,
      replicas: options.replicas,
      history: options.history ?? 1,
      ...(options.ttlMs === undefined ? {} : { ttl: options.ttlMs }),
    });
    await correct(nats, kv, options);
    return kv;
  } catch (error) {
    if (error instanceof BootError) throw error;
    const reason = (error as Error).message;
    throw new BootError(`cannot open the bucket ${name} (${reason}); check NATS_REPLICAS and infra/nats/nats.conf`);
  }
}

async function correct(nats: NatsConnection, kv: KV, { ttlMs = 0 }: BucketOptions): Promise<void> {
  const { bucket, streamInfo } = await kv.status();
  const { storage, allow_direct, max_age } = streamInfo.config;
  if (storage !== StorageType.File) throw new BootError(`the bucket ${bucket} must be on disk; delete and remake it`);
  const isKeptTooShort = max_age !== 0 && (ttlMs === 0 || max_age < nanos(ttlMs));
  if (!allow_direct && !isKeptTooShort) return;
  const jsm = await jetstreamManager(nats, { checkAPI: false });
  const fitting = isKeptTooShort ? { max_age: nanos(ttlMs) } : {};
  await jsm.streams.update(streamInfo.config.name, { ...streamInfo.config, ...fitting, allow_direct: false });
}
