import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { poll } from "#shared/async/poll.ts";
import { ALL_CONNECTIONS, CONNECTIONS_STREAM, tenantConnections } from "#shared/contract/connection-log.ts";
import type { Logger } from "#shared/log/create-logger.ts";

/** Above this part of its size the log is thinned down to the other. What is between 80 % and all is room until the next look. */
const FULL = 0.8;
const THINNED = 0.7;

const EVERY_MS = 15_000;

/** Keeps the connection log shared among tenants, until disposed. */
export async function keepConnectionsShared(nats: NatsConnection, log: Logger): Promise<Disposable> {
  const manager = await jetstreamManager(nats, { checkAPI: false });
  return poll(EVERY_MS, async () => {
    try {
      for (const tenant of await shareConnectionsLog(manager)) {
        log.info({ tenant }, "the connection log is full: the tenant's oldest entries go");
      }
    } catch (error) {
      log.warn({ err: error }, "the connection log cannot be thinned right now");
    }
  });
}

/**
 * Where the connection log is nearly full, takes the oldest entries of the tenants that have the most, and of no others: whoever has
 * streams opened all day must not push out what is kept of everybody else. A log of one tenant is left to it. Answers whose went.
 */
export async function shareConnectionsLog({ streams }: Pick<JetStreamManager, "streams">): Promise<string[]> {
  const { config, state } = await streams.info(CONNECTIONS_STREAM);
  if (state.bytes <= FULL * config.max_bytes) return [];
  const { state: counted } = await streams.info(CONNECTIONS_STREAM, { subjects_filter: ALL_CONNECTIONS });
  const entries = new Map<string, number>();
  for (const [subject, count] of Object.entries(counted.subjects ?? {})) {
    const tenant = subject.split(".")[1] ?? "";
    entries.set(tenant, (entries.get(tenant) ?? 0) + count);
  }
  if (entries.size < 2) return [];
  const keep = fairShare(
    [...entries.values()],
    Math.floor((state.messages * THINNED * config.max_bytes) / state.bytes),
  );
  const over = [...entries].filter(([, count]) => count > keep).map(([tenant]) => tenant);
  for (const tenant of over) await streams.purge(CONNECTIONS_STREAM, { filter: tenantConnections(tenant), keep });
  return over;
}

/** The most that each may have so that all together have `room`, where those who have less leave the rest to the others. */
export function fairShare(counts: readonly number[], room: number): number {
  let left = room;
  for (const [index, count] of counts.toSorted((one, other) => one - other).entries()) {
    const share = Math.floor(left / (counts.length - index));
    if (count > share) return share;
    left -= count;
  }
  return Number.POSITIVE_INFINITY;
}
