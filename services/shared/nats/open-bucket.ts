import { jetstream, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import { nanos, type NatsConnection } from "@nats-io/transport-node";
import { BootError } from "#shared/config/read-config.ts";
import { type BucketRoom, fittingSize, growWhenFull } from "./bucket-room.ts";
import { startFault } from "./start-fault.ts";

/** How a key-value bucket keeps what is put into it. */
export interface BucketOptions {
  readonly replicas: number;
  /** How many values of a key are kept. */
  readonly history?: number;
  readonly room: BucketRoom;
  /** How long a value is kept at least; for ever without it. */
  readonly ttlMs?: number;
}

/** How long an operation on a bucket may take. */
const TIMEOUT_MS = 2_000;

/**
 * Opens a bucket, and makes it where there is none. It is on disk, and every read is answered by its leader: a replica that
 * lags must not say that something acknowledged is not there. A bucket that would forget too early, or has less room
 * than reserved, is corrected; one that is full grows.
 * @throws {AppError} `unavailable` when JetStream has nobody who answers for it just now.
 * @throws {BootError} when the bucket cannot be had.
 */
export async function openBucket(nats: NatsConnection, name: string, options: BucketOptions): Promise<KV> {
  try {
    const kv = await new Kvm(jetstream(nats, { timeout: TIMEOUT_MS })).create(name, {
      storage: StorageType.File,
      allow_direct: false,
      replicas: options.replicas,
      history: options.history ?? 1,
      max_bytes: options.room.reserved,
      ...(options.ttlMs === undefined ? {} : { ttl: options.ttlMs }),
    });
    growWhenFull(nats, kv, await correct(nats, kv, options), options.room);
    return kv;
  } catch (error) {
    if (error instanceof BootError) throw error;
    const reason = (error as Error).message;
    const message = `cannot open the bucket ${name} (${reason}); check NATS_REPLICAS and infra/nats/nats.conf`;
    throw startFault(error, message);
  }
}

/** Answers the bucket's stream. */
async function correct(nats: NatsConnection, kv: KV, { ttlMs = 0, room }: BucketOptions): Promise<string> {
  const { bucket, streamInfo } = await kv.status();
  const { config, state } = streamInfo;
  if (config.storage !== StorageType.File) {
    throw new BootError(`the bucket ${bucket} must be on disk; delete and remake it`);
  }
  const isKeptTooShort = config.max_age !== 0 && (ttlMs === 0 || config.max_age < nanos(ttlMs));
  const max_age = isKeptTooShort ? nanos(ttlMs) : config.max_age;
  const max_bytes = fittingSize(config, state.bytes, room);
  if (!config.allow_direct && !isKeptTooShort && max_bytes === config.max_bytes) return config.name;
  const { streams } = await jetstreamManager(nats, { checkAPI: false });
  const update = (size: number) =>
    streams.update(config.name, { ...config, max_age, max_bytes: size, allow_direct: false });
  // A bucket of an earlier release has no size, and must work where JetStream has nothing left to set aside for it.
  await update(max_bytes).catch(() => update(config.max_bytes));
  return config.name;
}
