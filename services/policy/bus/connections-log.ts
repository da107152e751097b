import {
  DiscardPolicy,
  jetstreamManager,
  PersistMode,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "@nats-io/jetstream";
import { nanos, type NatsConnection } from "@nats-io/transport-node";
import { orUnavailable } from "#shared/async/or-unavailable.ts";
import { startFault } from "#shared/nats/start-fault.ts";
import { ALL_CONNECTIONS, CONNECTIONS_STREAM, tenantConnections } from "#shared/contract/connection-log.ts";
import type { ConnectionRecords } from "../tenants/tenant-deps.ts";

const KEPT_MS = 86_400_000;

/** One person's entries of a kind: who reconnects all day pushes out their own, and nobody else's. */
export const MAX_ENTRIES_OF_A_KIND = 1_000;

/**
 * Makes the connection log, which the edges write, and puts its settings right. It keeps entries for a day, within its size; where it
 * is full the oldest give way.
 * @throws {BootError} when it cannot be had.
 */
export async function openConnectionsLog(
  nats: NatsConnection,
  replicas: number,
  maxBytes: number,
): Promise<ConnectionRecords> {
  const { streams } = await jetstreamManager(nats, { checkAPI: false });
  const wanted = settings(replicas, maxBytes);
  try {
    const known = await streams.info(CONNECTIONS_STREAM).catch(() => undefined);
    // Another process may be quicker.
    const made = known ?? (await streams.add(wanted).catch(async () => streams.info(CONNECTIONS_STREAM)));
    const { storage: _, persist_mode: __, num_replicas: ___, ...correctable } = wanted;
    const isRight = Object.entries(correctable).every(
      ([name, value]) => JSON.stringify(made.config[name as keyof StreamConfig]) === JSON.stringify(value),
    );
    if (!isRight) await streams.update(CONNECTIONS_STREAM, { ...made.config, ...correctable });
  } catch (error) {
    const reason = (error as Error).message;
    throw startFault(
      error,
      `cannot open the stream ${CONNECTIONS_STREAM} (${reason}); check NATS_REPLICAS and infra/nats/nats.conf`,
    );
  }
  return {
    removeConnections: (tenant) =>
      orUnavailable("the connection log does not answer; try again", async () => {
        await streams.purge(CONNECTIONS_STREAM, { filter: tenantConnections(tenant) });
      }),
  };
}

function settings(replicas: number, maxBytes: number) {
  return {
    name: CONNECTIONS_STREAM,
    subjects: [ALL_CONNECTIONS],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    // A sync of the disk for each stream that opens would make ten thousand reconnects wait for it; what a power cut takes is
    // unknown then. More replicas have no such mode.
    ...(replicas === 1 && { persist_mode: PersistMode.Async }),
    num_replicas: replicas,
    max_age: nanos(KEPT_MS),
    max_bytes: maxBytes,
    max_msgs_per_subject: MAX_ENTRIES_OF_A_KIND,
    discard: DiscardPolicy.Old,
    allow_direct: true,
    deny_delete: true,
  };
}
