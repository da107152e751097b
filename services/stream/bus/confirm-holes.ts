import type { JetStreamManager, StreamInfo } from "@nats-io/jetstream";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import { nanosOf, tagOf } from "#shared/contract/event-tag.ts";
import { holdingOf, jetStreamOf } from "#shared/nats/home/read-holding.ts";
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
 * Of each run whether no leader has a message in it either: neither the stream's, as a replica or a consumer may lack a message that it still has,
 * nor, of a mirror, that of the original. nats-server before 2.15.3 may leave out of a mirror what was under way when the link was cut. A
 * message that one of them has is never passed.
 * @throws {AppError} `unavailable` where one does not answer.
 */
export async function areConfirmed(
  bus: Bus,
  tenant: string,
  runs: readonly MissingRun[],
  { config }: StreamInfo,
): Promise<boolean[]> {
  const leaders = await leadersOf(bus, config);
  const isConfirmed = async ({ hole, next }: MissingRun): Promise<boolean> => {
    const found = await nextStored(leaders, tenant, hole.first);
    return found.every((stored) => {
      if (stored === undefined || stored.seq > next.seq) return true;
      return stored.seq === next.seq && stored.tag === next.tag;
    });
  };
  return Promise.all(runs.map(isConfirmed));
}

/**
 * The hole behind `seq` to the log's end, where no leader has a message there (see `areConfirmed`); undefined where one has. `info` was asked
 * for before: a message that is stored after that is not taken for gone.
 */
export async function holeAtEnd(
  bus: Bus,
  tenant: string,
  seq: number,
  { config, state }: StreamInfo,
): Promise<HoleEntry | undefined> {
  if (state.last_seq <= seq || state.first_seq > seq + 1) return undefined;
  const found = await nextStored(await leadersOf(bus, config), tenant, seq + 1);
  const isGone = found.every((stored) => stored === undefined || stored.seq > state.last_seq);
  return isGone ? holeOf(seq + 1, state.last_seq) : undefined;
}

/**
 * Sees to it that what is gone behind `seq` and before the first message that a mirror retains, the original has not either. Of an original
 * nobody is asked.
 * @throws {AppError} `unavailable` where it has, or does not answer.
 */
export async function requireGone(
  bus: Bus,
  tenant: string,
  seq: number,
  { config, state: { first_seq } }: StreamInfo,
): Promise<void> {
  if (seq + 1 >= first_seq || holdingOf({ config }).holds !== "mirror") return;
  const found = await nextStored(await leadersOf(bus, config), tenant, seq + 1);
  if (found.every((stored) => stored === undefined || stored.seq >= first_seq)) return;
  throw logUnreadable(new Error("the mirror of the log lacks the first entries of its original"));
}

/** Who must know what a log has: its leader, and of a mirror that of the original, too. */
async function leadersOf({ jsm, nats }: Bus, config: StreamInfo["config"]): Promise<JetStreamManager[]> {
  const holding = holdingOf({ config });
  return holding.holds === "mirror" ? [jsm, await jetStreamOf(nats, holding.of)] : [jsm];
}

/** The first message at or behind `seq`, as each leader says; undefined where there is none. */
function nextStored(
  leaders: readonly JetStreamManager[],
  tenant: string,
  seq: number,
): Promise<(Position | undefined)[]> {
  return Promise.all(leaders.map((leader) => nextAt(leader, tenant, seq)));
}

async function nextAt({ streams }: JetStreamManager, tenant: string, seq: number): Promise<Position | undefined> {
  const query = { seq, next_by_subj: ">" };
  const message = await streams.getMessage(logStreamName(tenant), query).catch((error: unknown) => {
    throw logUnreadable(error);
  });
  return message === null ? undefined : { seq: message.seq, tag: tagOf(nanosOf(message.timestamp)) };
}
