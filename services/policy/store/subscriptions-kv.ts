import {
  DiscardPolicy,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { orUnavailable } from "#shared/async/or-unavailable.ts";
import { poll } from "#shared/async/poll.ts";
import { startFault } from "#shared/nats/start-fault.ts";
import {
  ALL_SUBSCRIPTIONS,
  SUBSCRIPTIONS_STREAM,
  subscriptionSubject,
  tenantSubscriptions,
} from "#shared/contract/subscriptions.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { fittingSize } from "#shared/nats/bucket-room.ts";
import type { SubscriptionRecords } from "../tenants/tenant-deps.ts";

/** How much the bucket keeps: some kilobytes for each subscription. */
export const SUBSCRIPTIONS_ROOM = { reserved: 64 * 1024 * 1024, most: 4 * 1024 * 1024 * 1024 };

/** How often the bucket is given the size that fits. It has twice as much as it held then. */
const RESIZE_EVERY_MS = 30_000;

/**
 * Makes the bucket of subscriptions, puts its settings right, and lets it grow before it is full until disposed: the edges, which fill
 * it, cannot. They delete nothing either: a record goes with its time to live, or by `remove`.
 * @throws {BootError} when it cannot be had.
 */
export async function openSubscriptionsKv(
  nats: NatsConnection,
  replicas: number,
  log: Logger,
): Promise<SubscriptionRecords & Disposable> {
  const manager = await jetstreamManager(nats, { checkAPI: false });
  try {
    await makeBucket(manager, replicas);
  } catch (error) {
    const reason = (error as Error).message;
    throw startFault(
      error,
      `cannot open the stream ${SUBSCRIPTIONS_STREAM} (${reason}); check NATS_REPLICAS and infra/nats/nats.conf`,
    );
  }
  const growing = poll(RESIZE_EVERY_MS, async (stop) => {
    await resize(manager).catch((error: unknown) => {
      if (!stop.aborted) log.warn({ err: error }, "the bucket of subscriptions cannot be given more room right now");
    });
  });
  return {
    [Symbol.dispose]: () => growing[Symbol.dispose](),
    remove: (tenant, subject) =>
      orUnavailable("the store of subscriptions does not answer; try again", async () => {
        const filter = subject === undefined ? tenantSubscriptions(tenant) : subscriptionSubject(tenant, subject, "*");
        return (await manager.streams.purge(SUBSCRIPTIONS_STREAM, { filter })).purged;
      }),
  };
}

/**
 * Without markers of deletion, which would let a writer's header empty the bucket; a replica that lags behind answers nobody.
 */
function settings(replicas: number): Pick<StreamConfig, "name" | "subjects"> & Partial<StreamConfig> {
  return {
    name: SUBSCRIPTIONS_STREAM,
    subjects: [ALL_SUBSCRIPTIONS],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    num_replicas: replicas,
    max_msgs_per_subject: 1,
    discard: DiscardPolicy.New,
    allow_direct: false,
    allow_msg_ttl: true,
    allow_rollup_hdrs: false,
    deny_delete: true,
  };
}

async function makeBucket(manager: JetStreamManager, replicas: number): Promise<void> {
  const wanted = settings(replicas);
  // A stream that is there with other settings is not made again, and put right below.
  const made = await manager.streams
    .add({ ...wanted, max_bytes: SUBSCRIPTIONS_ROOM.reserved })
    .catch(async () => manager.streams.info(SUBSCRIPTIONS_STREAM));
  const max_bytes = fittingSize(made.config, made.state.bytes, SUBSCRIPTIONS_ROOM);
  const { num_replicas: _, storage, ...correctable } = wanted;
  if (made.config.storage !== storage) throw new Error("it must be on disk; delete and remake it");
  const isRight = Object.entries(correctable).every(
    ([name, value]) => JSON.stringify(made.config[name as keyof StreamConfig]) === JSON.stringify(value),
  );
  if (isRight && made.config.max_bytes === max_bytes) return;
  await manager.streams.update(SUBSCRIPTIONS_STREAM, { ...made.config, ...correctable, max_bytes });
}

async function resize({ streams }: JetStreamManager): Promise<void> {
  const { config, state } = await streams.info(SUBSCRIPTIONS_STREAM);
  const max_bytes = fittingSize(config, state.bytes, SUBSCRIPTIONS_ROOM);
  if (max_bytes !== config.max_bytes) await streams.update(SUBSCRIPTIONS_STREAM, { ...config, max_bytes });
}
