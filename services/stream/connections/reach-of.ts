import { setImmediate as nextTurn } from "node:timers/promises";
import type { Reach } from "#shared/contract/edge-questions.ts";
import { createTopicTest } from "../access/topic-test.ts";
import type { Hub } from "./hub.ts";

/** Events of a tenant's log, by their sequences in the log that `epoch` names. */
export interface AskedEvents {
  readonly tenant: string;
  readonly epoch: string;
  readonly seqs: readonly number[];
}

/** To test a topic against a hundred patterns takes 5 µs: so many are a turn of half a millisecond and less. */
const TESTS_PER_TURN = 100;

/**
 * Whom these events have reached here so far, in their order; what is not remembered is left out. Readers that are behind an event
 * count where they ask for its topic, or where that is not in memory any more. With thousands of these it takes many turns: a reader
 * that comes to an event meanwhile has reached it, and may count as behind too, never as neither.
 */
export async function reachOf(
  hub: Pick<Hub, "tenant" | "streams">,
  { tenant: id, epoch, seqs }: AskedEvents,
): Promise<Reach[]> {
  const tenant = hub.tenant(id);
  if (tenant === undefined || epoch !== tenant.log.epoch) return [];
  const events = seqs.flatMap((seq) => {
    const entry = tenant.log.tail.at(seq);
    if (tenant.reach.of(seq) === undefined) return [];
    return [{ seq, topic: entry?.kind === "event" ? entry.topic : undefined, behind: 0 }];
  });
  let tests = 0;
  for (const { tenant: of, reader } of tenant.hasBehind && events.length > 0 ? hub.streams() : []) {
    if (of !== tenant || reader.behindSince === undefined) continue;
    const { seq } = reader.cursor;
    const asksFor = createTopicTest(reader.registration.topics);
    for (const event of events) {
      if (seq < event.seq && (event.topic === undefined || asksFor(event.topic))) event.behind += 1;
      tests += 1;
      if (tests % TESTS_PER_TURN === 0) await nextTurn();
    }
  }
  if (epoch !== tenant.log.epoch) return [];
  return events.flatMap(({ seq, behind }) => {
    const known = tenant.reach.of(seq);
    return known === undefined ? [] : [{ ...known, behind }];
  });
}
