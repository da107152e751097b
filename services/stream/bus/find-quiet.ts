import type { StreamInfo } from "@nats-io/jetstream";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import type { Position } from "../event.ts";
import { epochOf, positionAt, readLogInfo } from "./inspect-log.ts";
import type { Bus } from "./paced-bus.ts";

/** A stretch of a log to look through for a narrow subscription. */
export interface Stretch {
  readonly seq: number;
  readonly patterns: readonly string[];
  /** The end of the stretch: as far as this edge has read. */
  readonly horizon: Position;
  readonly epoch: string;
}

/**
 * The last position of a stretch before the next event under one of the patterns, by the log's leader, whose index of subjects
 * finds it without a walk through the log. Undefined where the next event comes at once, and where nothing can be told: some
 * entries are gone from the middle of the log, and each reader is told of those it passes.
 */
export async function findQuiet(
  bus: Bus,
  tenant: string,
  { seq, patterns, horizon, epoch }: Stretch,
): Promise<Position | undefined> {
  const found = await Promise.all(patterns.map((pattern) => nextUnder(bus, tenant, seq + 1, pattern)));
  // Asked last: a hole is never filled again, so where there is none now, there was none when the events were looked for.
  const info = await readLogInfo(bus.jsm, tenant);
  if (epochOf(info) !== epoch || !isWhole(info, seq, horizon)) return undefined;
  const next = Math.min(...found);
  if (next > horizon.seq) return horizon;
  return next === seq + 1 ? undefined : positionAt(bus.jsm, tenant, next - 1);
}

/** Whether every message behind `seq` and up to the horizon is stored. */
function isWhole({ state }: StreamInfo, seq: number, horizon: Position): boolean {
  const { first_seq, last_seq, messages } = state;
  return first_seq <= seq + 1 && last_seq >= horizon.seq && messages === last_seq - first_seq + 1;
}

/** The sequence of the first event at or behind `seq` under a pattern; infinity where there is none. */
async function nextUnder({ jsm }: Bus, tenant: string, seq: number, pattern: string): Promise<number> {
  const query = { seq, next_by_subj: `events.${tenant}.${pattern}` };
  const message = await jsm.streams.getMessage(logStreamName(tenant), query);
  return message?.seq ?? Number.POSITIVE_INFINITY;
}
