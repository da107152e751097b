import { jetstreamManager } from "@nats-io/jetstream";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import { decodeEntry, type StoredMessage } from "../../services/stream/bus/decode-entry.ts";
import { readBatch } from "../../services/stream/bus/read-batch.ts";
import type { LogEntry } from "../../services/stream/event.ts";
import { connectBus } from "../shared/connect-bus.ts";

const BATCH = { batch: 1_000, max_bytes: 4 * 1024 * 1024 };
const PACING = { answerMs: 30_000 };

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
  from: { readonly seq: number } | { readonly start_time: string },
  to: number,
  env: NodeJS.ProcessEnv,
): AsyncGenerator<ReadEntry> {
  await using stack = new AsyncDisposableStack();
  const nats = stack.adopt(await connectBus("policy", env), (connection) => connection.close());
  const jsm = await jetstreamManager(nats, { checkAPI: false });
  let query = from;
  for (;;) {
    const messages = await readBatch({ nats, jsm, pacing: PACING }, logStreamName(tenant), { ...query, ...BATCH });
    for (const message of messages) {
      if (message.seq > to) return;
      yield entryOf(tenant, message);
    }
    const last = messages.at(-1);
    if (last === undefined || last.seq >= to) return;
    query = { seq: last.seq + 1 };
  }
}

function entryOf(tenant: string, message: StoredMessage): ReadEntry {
  const { seq, storedAtNanos, headers } = message;
  const [, traceId] = /^traceparent:\s*[0-9a-f]{2}-([0-9a-f]{32})-/im.exec(headers?.toString("latin1") ?? "") ?? [];
  const storedAt = new Date(Number(storedAtNanos / 1_000_000n));
  return { seq, storedAt, entry: decodeEntry(tenant, Number.MAX_SAFE_INTEGER, message), traceId };
}
