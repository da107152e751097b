import type { StreamInfo } from "@nats-io/jetstream";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import { nanosOf, tagOf } from "#shared/contract/event-tag.ts";
import { holeOf, type HoleEntry, type Position } from "../event.ts";
import { logUnreadable } from "./inspect-log.ts";
import type { Bus } from "./paced-bus.ts";

/** A run of sequences of which no message came, and the message that came next. */
export interface MissingRun {
  readonly hole: HoleEntry;
  readonly next: Position;
}

/** The runs of sequences that are missing behind `seq` and between these messages, which are in order. */
export function missingRuns(seq: number, messages: Iterable<Position>): MissingRun[] {
  const runs: MissingRun[] = [];
  let last = seq;
  for (const next of messages) {
    if (next.seq > last + 1) runs.push({ hole: holeOf(last + 1, next.seq - 1), next });
    last = next.seq;
  }
  return runs;
}

/**
 * Whether the stream's leader has no message in a run either. A replica or a consumer may lack a message that the leader
 * still has; such a message is never passed.
 */
export async function isConfirmed(bus: Bus, tenant: string, { hole, next }: MissingRun): Promise<boolean> {
  const stored = await nextStored(bus, tenant, hole.first);
  if (stored === undefined || stored.seq > next.seq) return true;
  return stored.seq === next.seq && stored.tag === next.tag;
}

/**
 * The hole behind `seq` to the log's end, where the leader has no message there; undefined where it has. `info` was asked
 * for before: a message that is stored after that is not taken for gone.
 */
export async function holeAtEnd(
  bus: Bus,
  tenant: string,
  seq: number,
  { state }: StreamInfo,
): Promise<HoleEntry | undefined> {
  if (state.last_seq <= seq || state.first_seq > seq + 1) return undefined;
  const stored = await nextStored(bus, tenant, seq + 1);
  return stored === undefined || stored.seq > state.last_seq ? holeOf(seq + 1, state.last_seq) : undefined;
}

/** The first message at or behind `seq`, from the stream's leader; undefined where there is none. */
async function nextStored({ jsm }: Bus, tenant: string, seq: number): Promise<Position | undefined> {
  const query = { seq, next_by_subj: ">" };
  const message = await jsm.streams.getMessage(logStreamName(tenant), query).catch((error: unknown) => {
    throw logUnreadable(error);
  });
  return message === null ? undefined : { seq: message.seq, tag: tagOf(nanosOf(message.timestamp)) };
}
