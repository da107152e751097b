import { describe, expect, test } from "vitest";
import { type CountAnswer, type CountStore, type KeyCount, SharedCounts } from "./shared-counts.ts";

/** Several workers on one store in memory. */
class FakeStore {
  readonly #told = new Map<string, Map<string, number>>();
  isAway = false;

  as(worker: string): CountStore {
    return { exchange: async (own, startOver) => this.#exchange(worker, own, startOver) };
  }

  /** The worker's lease ended. */
  forget(worker: string): void {
    this.#told.delete(worker);
  }

  countOf(worker: string): number {
    return this.#told.get(worker)?.size ?? 0;
  }

  #exchange(worker: string, own: readonly KeyCount[], startOver: boolean): CountAnswer {
    if (this.isAway) throw new Error("away");
    const isNew = startOver || !this.#told.has(worker);
    const told = isNew ? new Map<string, number>() : this.#told.get(worker)!;
    this.#told.set(worker, told);
    for (const { key, count } of own) {
      if (count === 0) told.delete(key);
      else told.set(key, count);
    }
    const others = own.map(({ key }) =>
      [...this.#told].reduce((sum, [name, counts]) => sum + (name === worker ? 0 : (counts.get(key) ?? 0)), 0),
    );
    return { others, workers: this.#told.size, isNew };
  }
}

/** Adds as many as have room, up to `wanted`. */
function fill(counts: SharedCounts, limit: number, wanted = 1_000): number {
  const count = counts.at("k");
  let added = 0;
  while (added < wanted && counts.hasRoom(count, limit)) {
    counts.add(count);
    added += 1;
  }
  return added;
}

describe("counts of one worker", () => {
  test("go up to the limit and not beyond, with and without a store", async () => {
    const counts = new SharedCounts(1);
    expect(fill(counts, 3)).toBe(3);
    await counts.exchange(new FakeStore().as("a"));
    expect(fill(counts, 3)).toBe(0);
    counts.add(counts.at("k"), -1);
    expect(fill(counts, 3)).toBe(1);
  });

  test("of a limit of zero are none", () => {
    expect(fill(new SharedCounts(4), 0)).toBe(0);
  });
});

describe("counts of several workers", () => {
  test("go up to the limit together, once each knows of the others", async () => {
    const store = new FakeStore();
    const [one, two] = [new SharedCounts(1), new SharedCounts(1)];
    for (const [counts, name] of [
      [one, "1"],
      [two, "2"],
    ] as const) {
      counts.at("k");
      await counts.exchange(store.as(name));
    }
    one.at("k");
    await one.exchange(store.as("1"));
    expect(one.workers).toBe(2);
    expect(fill(one, 10)).toBe(5);
    await one.exchange(store.as("1"));
    expect(fill(one, 10)).toBe(3);
    await one.exchange(store.as("1"));
    two.at("k");
    await two.exchange(store.as("2"));
    expect(fill(two, 10)).toBe(1);
    await two.exchange(store.as("2"));
    expect(fill(two, 10)).toBe(1);
    await two.exchange(store.as("2"));
    expect(fill(two, 10)).toBe(0);
    one.at("k");
    await one.exchange(store.as("1"));
    expect(fill(one, 10)).toBe(0);
  });

  test("go beyond the limit by two each at most, when all take at once what they know to be free", async () => {
    const store = new FakeStore();
    const workers = Array.from({ length: 8 }, () => new SharedCounts(8));
    for (const counts of workers) counts.at("k");
    for (const [index, counts] of workers.entries()) await counts.exchange(store.as(String(index)));
    for (let round = 0; round < 6; round += 1) {
      for (const counts of workers) fill(counts, 20);
      for (const [index, counts] of workers.entries()) await counts.exchange(store.as(String(index)));
    }
    const total = workers.reduce((sum, counts) => sum + counts.at("k").own, 0);
    expect(total).toBeGreaterThanOrEqual(20);
    expect(total).toBeLessThanOrEqual(36);
  });

  test("that have vanished are counted no more", async () => {
    const store = new FakeStore();
    const [one, two] = [new SharedCounts(2), new SharedCounts(2)];
    fill(one, 4, 4);
    fill(two, 4, 4);
    await one.exchange(store.as("1"));
    await two.exchange(store.as("2"));
    expect(fill(two, 4)).toBe(0);
    two.at("k");
    store.forget("1");
    await two.exchange(store.as("2"));
    expect(fill(two, 4)).toBe(1);
    await two.exchange(store.as("2"));
    expect(fill(two, 4)).toBe(1);
  });
});

describe("while the store is away", () => {
  test("each worker keeps to its share of the limit: never open, never shut", async () => {
    const store = new FakeStore();
    const workers = Array.from({ length: 4 }, () => new SharedCounts(1));
    for (const [index, counts] of workers.entries()) await counts.exchange(store.as(String(index)));
    for (const [index, counts] of workers.entries()) await counts.exchange(store.as(String(index)));
    store.isAway = true;
    for (const counts of workers) await expect(counts.exchange(store.as("x"))).rejects.toThrow("away");
    expect(workers.map((counts) => fill(counts, 10))).toEqual([3, 3, 3, 3]);
    expect(new SharedCounts(1).isShared).toBe(false);
  });

  test("nothing is kept of what is over, and all that is left is told when it is back", async () => {
    const store = new FakeStore();
    const counts = new SharedCounts(1);
    for (let index = 0; index < 100; index += 1) counts.add(counts.at(`k${index}`));
    await counts.exchange(store.as("1"));
    expect(store.countOf("1")).toBe(100);
    store.isAway = true;
    for (let index = 0; index < 99; index += 1) counts.add(counts.at(`k${index}`), -1);
    await expect(counts.exchange(store.as("1"))).rejects.toThrow("away");
    expect(counts.size).toBe(1);
    store.isAway = false;
    await counts.exchange(store.as("1"));
    expect([store.countOf("1"), counts.isShared]).toEqual([1, true]);
  });

  test("a lease that ended meanwhile is made anew with all that is counted", async () => {
    const store = new FakeStore();
    const counts = new SharedCounts(1);
    for (let index = 0; index < 10; index += 1) counts.add(counts.at(`k${index}`));
    await counts.exchange(store.as("1"));
    store.forget("1");
    await counts.exchange(store.as("1"));
    await counts.exchange(store.as("1"));
    expect(store.countOf("1")).toBe(10);
  });
});

test("an exchange tells 4 000 keys at most, and the rest the next time", async () => {
  const store = new FakeStore();
  const counts = new SharedCounts(1);
  for (let index = 0; index < 4_001; index += 1) counts.add(counts.at(`k${index}`));
  await counts.exchange(store.as("1"));
  expect(store.countOf("1")).toBe(4_000);
  await counts.exchange(store.as("1"));
  expect(store.countOf("1")).toBe(4_001);
});

test("a key that was looked at and not counted is forgotten after a while, and sooner where there are many", async () => {
  const store = new FakeStore().as("1");
  const counts = new SharedCounts(1);
  counts.at("k");
  for (let exchange = 0; exchange < 20; exchange += 1) await counts.exchange(store);
  expect(counts.size).toBe(1);
  await counts.exchange(store);
  expect(counts.size).toBe(0);
  for (let index = 0; index < 24_000; index += 1) counts.at(`k${index}`);
  for (let exchange = 0; exchange < 6; exchange += 1) await counts.exchange(store);
  expect(counts.size).toBe(20_000);
  counts.isolate();
  expect(counts.size).toBe(0);
  counts.at("k");
  counts.isolate();
  expect(counts.size).toBe(0);
});
