import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type EventEntry, firstSeqOf, holeOf, type LogEntry } from "../event.ts";
import { HistoryTurns } from "./history-turns.ts";
import { Slices } from "./slices.ts";
import { TailBudget } from "./tail.ts";
import { type History, TenantLog } from "./tenant-log.ts";

const READERS = 4;
const KEYS = ["a", "b", "c"] as const;

type Step =
  | { readonly do: "append"; readonly key: (typeof KEYS)[number] }
  | { readonly do: "erase"; readonly key: (typeof KEYS)[number] }
  | { readonly do: "purge" }
  | { readonly do: "answer" }
  | { readonly do: "age" }
  | { readonly do: "read"; readonly reader: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant("append" as const), key: fc.constantFrom(...KEYS) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("erase" as const), key: fc.constantFrom(...KEYS) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("purge" as const) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("answer" as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("age" as const) }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant("read" as const), reader: fc.nat(READERS - 1) }) },
  ),
  { minLength: 20, maxLength: 120 },
);

test("readers that share reads pass every sequence once, in order, and are served nothing that was erased", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const world = createWorld();
      for (const step of all) await world.run(step);
      await world.finish();
    }),
    { numRuns: 40 },
  );
});

/** A log of which JetStream still has what was erased, until it is purged; its tail holds next to nothing. */
function createWorld() {
  const stored: (EventEntry | undefined)[] = [];
  const erased = new Set<number>();
  const answers: (() => void)[] = [];
  const clock = { now: 1 };
  const history: History = {
    after: async (seq) => {
      await new Promise<void>((resolve) => answers.push(resolve));
      return stored
        .slice(seq, seq + 7)
        .map((event, index) => copyOf(event) ?? holeOf(seq + 1 + index, seq + 1 + index));
    },
    bounds: async () => ({ first: 1, last: stored.length, goneBy: "purged" }),
    tagOf: async () => undefined,
    quietAfter: async () => undefined,
    positionBefore: async () => ({ seq: 0, tag: "0" }),
  };
  const log = new TenantLog("acme", history, { tailBudget: new TailBudget(20_000), now: () => clock.now });
  log.reset("epoch", { seq: 0, tag: "0" });
  const turns = new HistoryTurns({
    subjectBytesPerMinute: 1e9,
    historyBytesPerMinute: () => 1e9,
    now: () => clock.now,
  });
  const readers = Array.from({ length: READERS }, (_, index) => ({
    slices: new Slices(log, turns.limit),
    cursor: 0,
    isFetching: false,
    reader: { subject: `s${index}`, topics: [">"], isWanted: () => true },
  }));
  const append = (entry: LogEntry): void => {
    log.advance(entry);
    log.tail.dropBefore(log.horizon.seq - 1);
  };
  const read = (each: (typeof readers)[number]): void => {
    const { slices, cursor, reader } = each;
    if (each.isFetching || cursor === log.horizon.seq) return;
    const slice = slices.after(cursor);
    for (const entry of slice?.entries ?? []) {
      expect(firstSeqOf(entry)).toBe(each.cursor + 1);
      expect(entry.kind === "event" && erased.has(entry.position.seq)).toBe(false);
      each.cursor = entry.position.seq;
      expect(each.cursor).toBeLessThanOrEqual(log.horizon.seq);
    }
    if (slice !== undefined) return;
    each.isFetching = true;
    void slices.fetch(cursor, reader).then(() => (each.isFetching = false));
  };
  const run = async (step: Step): Promise<void> => {
    const seq = stored.length + 1;
    if (step.do === "append") {
      stored.push(eventOf(seq, step.key));
      append(eventOf(seq, step.key));
    } else if (step.do === "erase") {
      stored.forEach((event, index) => event?.topic === `order.created.${step.key}` && erased.add(index + 1));
      const entry = { subject: `order.created.${step.key}`, through: stored.length };
      // The entry itself stands in the log, too; readers pass it as they pass anything.
      stored.push(eventOf(seq, "control"));
      append({ kind: "control", position: { seq, tag: "t" }, storedAt: 0, change: { of: "erased", entry } });
    } else if (step.do === "purge") {
      for (const each of erased) stored[each - 1] = undefined;
      log.forgetTail();
    } else if (step.do === "age") clock.now += 6_000;
    else if (step.do === "answer") answers.shift()?.();
    else read(readers[step.reader] as (typeof readers)[number]);
    await setImmediate();
  };
  const finish = async (): Promise<void> => {
    for (let round = 0; readers.some(({ cursor }) => cursor < log.horizon.seq); round += 1) {
      expect(round).toBeLessThan(1_000);
      for (const each of readers) read(each);
      while (answers.length > 0) await run({ do: "answer" });
      await setImmediate();
    }
    turns[Symbol.dispose]();
  };
  return { run, finish };
}

function copyOf(event: EventEntry | undefined): EventEntry | undefined {
  return event && { ...event, frames: undefined, onFrame: undefined };
}

function eventOf(seq: number, key: string): EventEntry {
  return {
    kind: "event",
    position: { seq, tag: `t${seq}` },
    topic: `order.created.${key}`,
    type: "order.created",
    payload: Buffer.from("x"),
    storedAt: 0,
    attributes: {},
    frames: undefined,
  };
}
