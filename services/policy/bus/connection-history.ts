import { type ConsumerMessages, DeliverPolicy, jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { fairLimiter } from "#shared/async/fair-limiter.ts";
import { orUnavailable } from "#shared/async/or-unavailable.ts";
import {
  type ConnectionEntry,
  connectionEntrySchema,
  CONNECTIONS_STREAM,
  tenantConnections,
} from "#shared/contract/connection-log.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import type { ConnectionHistory } from "../edges/connection-history.ts";

/** The entries of a stream stand under its person, who is not known here: all of the tenant are looked through, one reader at a time. */
const READ_AT_ONCE = 1;
const DEADLINE_MS = 10_000;

/** A stream that changes its topics all the time has more entries than anybody reads. */
const MAX_ENTRIES = 100;

/** The connection log as a JetStream stream. */
export function openConnectionHistory(nats: NatsConnection): ConnectionHistory {
  const inTurn = fairLimiter(READ_AT_ONCE);
  return {
    entriesOf: (tenant, connectionId) =>
      inTurn(tenant, () =>
        orUnavailable("the connection log does not answer; try again", () => read(nats, tenant, connectionId)),
      ),
  };
}

async function read(nats: NatsConnection, tenant: string, connectionId: string): Promise<ConnectionEntry[]> {
  const options = { filter_subjects: [tenantConnections(tenant)], deliver_policy: DeliverPolicy.All };
  const consumer = await jetstream(nats).consumers.get(CONNECTIONS_STREAM, options);
  try {
    const { num_pending: pending } = await consumer.info();
    const wanted = { tenant, connectionId, pending };
    return pending === 0 ? [] : await readEntries(await consumer.consume(), wanted);
  } finally {
    // By itself the server keeps it for five minutes: who asks again and again would have it keep thousands.
    await consumer.delete().catch(() => undefined);
  }
}

interface Wanted {
  readonly tenant: string;
  readonly connectionId: string;
  /** How many entries the tenant has. */
  readonly pending: number;
}

async function readEntries(messages: ConsumerMessages, { tenant, connectionId, pending }: Wanted) {
  const entries: ConnectionEntry[] = [];
  let left = pending;
  let isLate = false;
  const deadline = setTimeout(() => ((isLate = true), void messages.close()), DEADLINE_MS);
  try {
    for await (const { data } of messages) {
      const entry = entryOf(data, tenant, connectionId);
      if (entry !== undefined) entries.push(entry);
      left -= 1;
      if (left <= 0 || entry?.event === "ended" || entries.length === MAX_ENTRIES) break;
    }
  } finally {
    clearTimeout(deadline);
    await messages.close();
  }
  if (isLate) throw new Error("the deadline has passed");
  return entries;
}

/** Looked for as bytes first: a day's entries are many, and parsing each would hold up everybody else. */
function entryOf(data: Uint8Array, tenant: string, connectionId: string): ConnectionEntry | undefined {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (!bytes.includes(connectionId)) return undefined;
  const { data: entry } = connectionEntrySchema.safeParse(parseJson(bytes.toString()));
  return entry?.connectionId === connectionId && entry.tenant === tenant ? entry : undefined;
}
