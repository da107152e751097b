import {
  type DirectBatchOptions,
  type JetStreamManager,
  JetStreamError,
  type StoredMsg,
  type StreamInfo,
} from "@nats-io/jetstream";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { History } from "../log/tenant-log.ts";
import type { GoneReason } from "../log/resume.ts";
import { nanosOf, tagOf } from "#shared/protocol/event-id.ts";
import { decodeEntry, type StoredMessage } from "./decode-entry.ts";
import { positionAt, readLogInfo, tagAt } from "./inspect-log.ts";

/** The most messages one read asks for. */
const MAX_BATCH = 256;

/** JetStream's answer where there is nothing to read. */
const NOT_FOUND = 404;

/** Reads a tenant's log from JetStream: batches by direct get from any replica, everything else from the leader. */
export function createHistory(jsm: JetStreamManager, tenant: string, maxEventBytes: number): History {
  const stream = logStreamName(tenant);
  return {
    after: (seq, maxBytes) =>
      orUnavailable(async () => {
        const batch = await readBatch(jsm, stream, { seq: seq + 1, batch: MAX_BATCH, max_bytes: maxBytes });
        return batch.map((message) => decodeEntry(tenant, maxEventBytes, storedMessage(message)));
      }),
    bounds: async () => {
      const info = await readLogInfo(jsm, tenant);
      return { first: info.state.first_seq, last: info.state.last_seq, goneBy: goneBy(info, maxEventBytes) };
    },
    tagOf: (seq) => orUnavailable(() => tagAt(jsm, tenant, seq)),
    positionBefore: (wallMs) =>
      orUnavailable(async () => {
        const [first] = await readBatch(jsm, stream, { start_time: new Date(wallMs), batch: 1 });
        if (first !== undefined) return positionAt(jsm, tenant, first.seq - 1);
        const { last_seq: seq } = (await readLogInfo(jsm, tenant)).state;
        const last = seq === 0 ? null : await jsm.streams.getMessage(stream, { seq });
        if (last === null) return { seq, tag: "0" };
        const storedAt = nanosOf(last.timestamp);
        if (storedAt >= BigInt(wallMs) * 1_000_000n) throw new Error("a replica that lags behind has answered");
        return { seq, tag: tagOf(storedAt) };
      }),
  };
}

/**
 * Why entries are gone. A log that has room for another event drops none for its size; one whose newest lost entry cannot
 * be as old as the log's limit has lost it to somebody who emptied it.
 */
export function goneBy({ config, state, created, ts }: StreamInfo, maxEventBytes: number): GoneReason {
  const isFull = config.max_bytes > 0 && state.bytes + maxEventBytes >= config.max_bytes;
  if (isFull) return "retention";
  const lostSince = Date.parse(state.messages === 0 ? state.last_ts : created);
  const hasAged = config.max_age > 0 && Date.parse(ts ?? state.last_ts) - lostSince >= config.max_age / 1_000_000;
  return hasAged ? "retention" : "purged";
}

/** What stands there, read from any replica; nothing where that has nothing (yet). */
async function readBatch(jsm: JetStreamManager, stream: string, query: DirectBatchOptions): Promise<StoredMsg[]> {
  const messages: StoredMsg[] = [];
  try {
    for await (const message of await jsm.direct.getBatch(stream, query)) messages.push(message);
  } catch (error) {
    if (!(error instanceof JetStreamError && "code" in error && error.code === NOT_FOUND)) throw error;
  }
  return messages;
}

/** A message from a direct or a leader's read, in the shape that consumers' messages have too. */
function storedMessage({ subject, seq, data, timestamp, header }: StoredMsg): StoredMessage {
  return { subject, seq, data, storedAtNanos: nanosOf(timestamp), headers: header };
}

async function orUnavailable<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new AppError("unavailable", "the tenant's log cannot be read right now", { cause: error });
  }
}
