import { expect, test } from "vitest";
import { createLogger } from "#shared/log/create-logger.ts";
import { waitFor } from "#test/support/wait.ts";
import { shareCounts } from "./share-counts.ts";
import { type CountAnswer, SharedCounts } from "./shared-counts.ts";

const LOG = createLogger("test", "silent");
const ANSWER: CountAnswer = { others: [], workers: 2, isNew: false };

test("changes are told at once, together, and no sooner than half a second after the ones before", async () => {
  const counts = new SharedCounts(1);
  const exchanges: { readonly at: number; readonly keys: number }[] = [];
  const store = {
    async exchange(own: readonly unknown[]) {
      exchanges.push({ at: performance.now(), keys: own.length });
      return { ...ANSWER, others: own.map(() => 0) };
    },
  };
  await using _ = shareCounts(counts, store, LOG);
  await waitFor("the first exchange", () => exchanges.length === 1);
  for (let index = 0; index < 10; index += 1) counts.add(counts.at(`k${index}`));
  await waitFor("the changes are told", () => exchanges.length === 2);
  const [first, second] = exchanges;
  expect(second?.keys).toBe(10);
  // A timer may be a millisecond early.
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(498);
});

test("a store that fails is lost once and back once in the log, and is asked again", async () => {
  const counts = new SharedCounts(1);
  const lines: string[] = [];
  const log = Object.assign(Object.create(LOG) as typeof LOG, {
    warn: (_: object, message: string) => void lines.push(message),
    info: (_: object, message: string) => void lines.push(message),
  });
  let asked = 0;
  const store = {
    async exchange() {
      asked += 1;
      counts.at(`k${asked}`);
      if (asked < 3) throw new Error("away");
      return ANSWER;
    },
  };
  await using _ = shareCounts(counts, store, log);
  await waitFor("it is back", () => lines.length === 2);
  expect(asked).toBe(3);
  expect(lines).toEqual([
    expect.stringContaining("keeps to its share"),
    expect.stringContaining("over all workers again"),
  ]);
  expect([counts.isShared, counts.workers]).toEqual([true, 2]);
});

test("without a store nothing is remembered of what is over", async () => {
  const counts = new SharedCounts(4);
  await using _ = shareCounts(counts, undefined, LOG);
  const count = counts.at("k");
  counts.add(count);
  counts.add(count, -1);
  await waitFor("it is forgotten", () => counts.size === 0);
  expect([counts.isShared, counts.workers]).toEqual([false, 4]);
});
