import { JetStreamApiError, jetstreamManager, type StreamConfig } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { singleFlight } from "#shared/async/single-flight.ts";

/** How much a bucket keeps, in bytes. */
export interface BucketRoom {
  /** What JetStream sets aside for it from the beginning: nobody else can take that. */
  readonly reserved: number;
  /** What it may grow to; absent where it must take whatever comes, as long as the disk has room. */
  readonly most?: number;
}

/** A bucket as big as this has filled up has got twice as much. */
const GROWTH = 2;

/** A stream's limit that is none; JetStream sets nothing aside for it. */
const UNLIMITED = -1;

/** The size of an existing bucket: at least what is reserved, never less than it has, and room for as much as it holds. */
export function fittingSize(
  { max_bytes }: Pick<StreamConfig, "max_bytes">,
  used: number,
  { reserved, most = Number.POSITIVE_INFINITY }: BucketRoom,
): number {
  const wanted = Math.min(Math.max(reserved, GROWTH * used), Math.max(most, used));
  return Math.max(max_bytes, Math.ceil(wanted));
}

/**
 * Has the bucket grow when it is full, and the write that found it full done again. JetStream refuses a size that it cannot set
 * aside; a bucket without a bound then goes on without a size, and takes what the disk still has.
 */
export function growWhenFull(nats: NatsConnection, kv: KV, stream: string, room: BucketRoom): void {
  const growing = singleFlight<boolean>();
  const makeRoom = () => growing("", () => grow(nats, stream, room));
  for (const name of ["put", "create", "update", "delete", "purge"] as const) {
    const write = kv[name].bind(kv) as (...given: unknown[]) => Promise<unknown>;
    const writeWithRoom = async (...given: unknown[]): Promise<unknown> => {
      try {
        return await write(...given);
      } catch (error) {
        if (!isFull(error) || !(await makeRoom())) throw error;
        return write(...given);
      }
    };
    Object.assign(kv, { [name]: writeWithRoom });
  }
}

/** Answers whether the bucket has more room now; another process may have been quicker. */
async function grow(nats: NatsConnection, stream: string, { most }: BucketRoom): Promise<boolean> {
  const { streams } = await jetstreamManager(nats, { checkAPI: false });
  const { config, state } = await streams.info(stream);
  if (config.max_bytes === UNLIMITED || config.max_bytes >= GROWTH * state.bytes) return true;
  const size = Math.min(GROWTH * config.max_bytes, most ?? Number.POSITIVE_INFINITY);
  if (size <= config.max_bytes) return false;
  const resize = (max_bytes: number) => streams.update(stream, { ...config, max_bytes });
  await resize(size).catch((error: unknown) => {
    if (most !== undefined) throw error;
    return resize(UNLIMITED);
  });
  return true;
}

function isFull(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.message.includes("maximum bytes exceeded");
}
