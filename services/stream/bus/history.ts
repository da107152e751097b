import type { JetStreamManager, StoredMsg, StreamInfo } from "@nats-io/jetstream";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { History } from "../audience/tenant.ts";
import type { LogEntry } from "../event.ts";
import type { GoneReason } from "../log/resume.ts";
import { nanosOf } from "#shared/contract/event-id.ts";
import { decodeEntry, type StoredMessage } from "./decode-entry.ts";
import { readLogInfo, tagAt } from "./inspect-log.ts";

/** The most messages one read asks for. */
const MAX_BATCH = 256;

/** Reads a tenant's log from JetStream: batches by direct get from any replica, everything else from the leader. */
export function createHistory(jsm: JetStreamManager, tenant: string, maxEventBytes: number): History {
  const stream = logStreamName(tenant);
  return {
    after: (seq, maxBytes) =>
      orUnavailable(async () => {
        const entries: LogEntry[] = [];
        const batch = await jsm.direct.getBatch(stream, { seq: seq + 1, batch: MAX_BATCH, max_bytes: maxBytes });
        for await (const message of batch) entries.push(decodeEntry(tenant, maxEventBytes, storedMessage(message)));
        return entries;
      }),
    bounds: async () => {
      const info = await readLogInfo(jsm, tenant);
      return { first: info.state.first_seq, last: info.state.last_seq, goneBy: goneBy(info, maxEventBytes) };
    },
    tagOf: (seq) => orUnavailable(() => tagAt(jsm, tenant, seq)),
    positionBefore: (wallMs) =>
      orUnavailable(async () => {
        const batch = await jsm.direct.getBatch(stream, { start_time: new Date(wallMs), batch: 1 });
        for await (const message of batch) return { seq: message.seq - 1, tag: "0" };
        return { seq: (await jsm.streams.info(stream)).state.last_seq, tag: "0" };
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
