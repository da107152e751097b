import { jetstreamManager } from "@nats-io/jetstream";
import { decodeEntry, type StoredMessage } from "../../services/stream/bus/decode-entry.ts";
import type { LogEntry } from "../../services/stream/event.ts";
import { type LogPlace, readStored } from "../events/read-stored.ts";
import { connectBus } from "../shared/connect-bus.ts";

/** An entry of a tenant's log, as an edge reads it. */
export interface ReadEntry {
  readonly seq: number;
  readonly storedAt: Date;
  readonly entry: LogEntry;
  /** The trace that it belongs to; undefined where its producer named none. */
  readonly traceId: string | undefined;
}

/**
 * Reads a tenant's log from a sequence or a time on, up to and including the last of `to`, or to its end.
 * @throws {ScriptError} where the bus is out of reach.
 */
export async function* readEntries(
  tenant: string,
  from: LogPlace,
  to: number,
  env: NodeJS.ProcessEnv,
): AsyncGenerator<ReadEntry> {
  await using stack = new AsyncDisposableStack();
  const nats = stack.adopt(await connectBus("policy", env), (connection) => connection.close());
  const jsm = await jetstreamManager(nats, { checkAPI: false });
  for await (const message of readStored(nats, jsm, tenant, from, to)) yield entryOf(tenant, message);
}

function entryOf(tenant: string, message: StoredMessage): ReadEntry {
  const { seq, storedAtNanos, headers } = message;
  const [, traceId] = /^traceparent:\s*[0-9a-f]{2}-([0-9a-f]{32})-/im.exec(headers?.toString("latin1") ?? "") ?? [];
  const storedAt = new Date(Number(storedAtNanos / 1_000_000n));
  return { seq, storedAt, entry: decodeEntry(tenant, Number.MAX_SAFE_INTEGER, message), traceId };
}
