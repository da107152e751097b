import type { StreamInfo } from "@nats-io/jetstream";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import { nanosOf, tagOf } from "#shared/contract/event-tag.ts";
import { startTimeOf } from "#shared/nats/start-time.ts";
import type { LogEntry, Position } from "../event.ts";
import type { GoneReason } from "../log/resume.ts";
import type { History } from "../log/tenant-log.ts";
import { areConfirmed, holeAtEnd, missingRuns, requireGone } from "./confirm-holes.ts";
import { decodeEntry, positionOf, type StoredMessage } from "./decode-entry.ts";
import { findQuiet } from "./find-quiet.ts";
import { logUnreadable, positionAt, readLogInfo, tagAt } from "./inspect-log.ts";
import type { Bus } from "./paced-bus.ts";
import { readBatch } from "./read-batch.ts";

/** The most messages one read asks for. */
const MAX_BATCH = 256;

/** Reads a tenant's log from JetStream: batches by direct get from any replica, everything else from the leader. */
export function createHistory(bus: Bus, tenant: string, maxEventBytes: number): History {
  const stream = logStreamName(tenant);
  return {
    after: async (seq, maxBytes) => {
      const batch = await readBatch(bus, stream, { seq: seq + 1, batch: MAX_BATCH, max_bytes: maxBytes });
      return withHoles(bus, tenant, seq, batch, (message) => decodeEntry(tenant, maxEventBytes, message));
    },
    bounds: async (after = Number.POSITIVE_INFINITY) => {
      const info = await readLogInfo(bus.jsm, tenant);
      await requireGone(bus, tenant, after, info);
      return { first: info.state.first_seq, last: info.state.last_seq, goneBy: goneBy(info, maxEventBytes) };
    },
    tagOf: (seq) => orUnreadable(() => tagAt(bus.jsm, tenant, seq)),
    quietAfter: (seq, patterns, horizon, epoch) =>
      orUnreadable(() => findQuiet(bus, tenant, { seq, patterns, horizon, epoch })),
    positionBefore: (wallMs) => orUnreadable(() => findPositionBefore(bus, tenant, wallMs)),
  };
}

/**
 * A batch as entries of the log. A replica may lag behind, so the leader confirms what is missing between the messages:
 * that becomes a hole. Before a message that only the leader has, the entries end.
 */
async function withHoles(
  bus: Bus,
  tenant: string,
  seq: number,
  batch: readonly StoredMessage[],
  decode: (message: StoredMessage) => LogEntry,
): Promise<LogEntry[]> {
  const runs = missingRuns(seq, batch.map(positionOf));
  if (batch.length > 0 && runs.length === 0) return batch.map(decode);
  const info = await readLogInfo(bus.jsm, tenant);
  if (batch.length === 0) return [await holeAtEnd(bus, tenant, seq, info)].filter((hole) => hole !== undefined);
  // What is gone before the batch may be the log's lost beginning, which its bounds tell. All else that is gone is holes.
  const inside = runs.filter(({ hole }) => hole.first > seq + 1 || hole.first >= info.state.first_seq);
  const confirmed = await areConfirmed(bus, tenant, inside, info);
  const isAhead = (run: (typeof runs)[number], index: number): boolean =>
    confirmed[index] !== true || run.next.seq > info.state.last_seq;
  const end = inside.find(isAhead)?.hole.first ?? Number.POSITIVE_INFINITY;
  const holeBefore = new Map(inside.map(({ hole, next }) => [next.seq, hole]));
  return batch
    .filter((message) => message.seq < end)
    .flatMap((message) => {
      const hole = holeBefore.get(message.seq);
      return hole === undefined ? [decode(message)] : [hole, decode(message)];
    });
}

/**
 * The position before the first message that the log stored at or after that time.
 * @throws where a replica that lags behind has answered, or nobody.
 */
export async function findPositionBefore(bus: Bus, tenant: string, wallMs: number): Promise<Position> {
  const stream = logStreamName(tenant);
  const [first] = await readBatch(bus, stream, { start_time: startTimeOf(wallMs), batch: 1 });
  if (first !== undefined) return positionAt(bus.jsm, tenant, first.seq - 1);
  const { last_seq: seq } = (await readLogInfo(bus.jsm, tenant)).state;
  const last = seq === 0 ? null : await bus.jsm.streams.getMessage(stream, { seq });
  if (last === null) return { seq, tag: "0" };
  const storedAt = nanosOf(last.timestamp);
  if (storedAt >= BigInt(wallMs) * 1_000_000n) throw new Error("a replica that lags behind has answered");
  return { seq, tag: tagOf(storedAt) };
}

/**
 * Why entries are gone. A log that has room for another event drops none for its size. Entries that cannot be as old as the
 * log's limit were purged.
 */
export function goneBy({ config, state, created, ts }: StreamInfo, maxEventBytes: number): GoneReason {
  const isFull = config.max_bytes > 0 && state.bytes + maxEventBytes >= config.max_bytes;
  if (isFull) return "retention";
  const lostSince = Date.parse(state.messages === 0 ? state.last_ts : created);
  const hasAged = config.max_age > 0 && Date.parse(ts ?? state.last_ts) - lostSince >= config.max_age / 1_000_000;
  return hasAged ? "retention" : "purged";
}

/** A log that is missing counts as one that cannot be read, too: policy may make it again. */
async function orUnreadable<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw logUnreadable(error);
  }
}
