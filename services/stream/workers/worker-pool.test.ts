import { expect, test } from "vitest";
import { createLogger } from "#shared/log/create-logger.ts";
import { WorkerPool, type Worker } from "./worker-pool.ts";

test("a worker that dies is started again in its place, after a wait that grows", async () => {
  const { pool, started, waits, deaths } = createPool(2);
  await pool.start();
  for (let count = 2; count < 10; count += 1) {
    started.at(-1)?.die();
    await settle();
    expect(started.map(({ index }) => index)).toEqual([0, ...Array<number>(count).fill(1)]);
  }
  for (const [place, atMost] of [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000].entries()) {
    expect(waits[place]).toBeGreaterThanOrEqual(atMost / 2);
    expect(waits[place]).toBeLessThanOrEqual(atMost);
  }
  expect(deaths()).toBe(8);
  expect([...pool.serving]).toEqual([started[0], started.at(-1)]);
});

test("one that lived a minute is started again as if it had never died", async () => {
  const { pool, started, waits, clock } = createPool(1);
  await pool.start();
  for (let count = 1; count < 10; count += 1) {
    clock.now += 60_001;
    started.at(-1)?.die();
    await settle();
  }
  expect(Math.max(...waits)).toBeLessThanOrEqual(250);
});

test("a worker that does not come up at first is told, and the others are stopped with it", async () => {
  const { pool, started } = createPool(3, (index) => index !== 1);
  await expect(pool.start()).rejects.toThrow("worker 1 of 3 does not run (code 1); it said why above");
  await pool[Symbol.asyncDispose]();
  expect(started.map(({ isStopped }) => isStopped)).toEqual([true, false, true]);
});

test("a round replaces every worker, each once its successor takes streams", async () => {
  const { pool, started } = createPool(2);
  await pool.start();
  await pool.rollingRestart();
  expect(started.map(({ index, isStopped }) => [index, isStopped])).toEqual([
    [0, true],
    [1, true],
    [0, false],
    [1, false],
  ]);
  expect([...pool.serving]).toEqual(started.slice(2));
  started[2]?.die();
  await settle();
  expect([...pool.serving].map(({ index }) => index)).toEqual([1, 0]);
});

test("a successor that does not come up ends the round, and everybody else stays", async () => {
  let isBroken = false;
  const { pool, started } = createPool(2, () => !isBroken);
  await pool.start();
  isBroken = true;
  await pool.rollingRestart();
  expect(started).toHaveLength(3);
  expect([...pool.serving]).toEqual(started.slice(0, 2));
});

test("a worker that dies while its successor comes up has one all the same, not two", async () => {
  const { pool, started } = createPool(1);
  await pool.start();
  const renewing = pool.rollingRestart();
  started[0]?.die();
  await renewing;
  await settle();
  expect([...pool.serving]).toEqual([started.at(-1)]);
  expect(started.filter(({ isStopped, isDead }) => !isStopped && !isDead)).toHaveLength(1);
});

test("a pool that ends starts nobody again", async () => {
  const { pool, started } = createPool(2);
  await pool.start();
  await pool[Symbol.asyncDispose]();
  await settle();
  expect(started).toHaveLength(2);
  expect([...pool.serving]).toEqual([]);
});

/** Lets everything happen that waits for nothing more. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

class FakeWorker implements Worker {
  readonly pid = 1;
  readonly index: number;
  readonly ready: Promise<boolean>;
  readonly #end = Promise.withResolvers<string>();
  readonly ended = this.#end.promise;
  isStopped = false;
  isDead = false;

  constructor(index: number, comesUp: boolean) {
    this.index = index;
    this.ready = Promise.resolve(comesUp);
    if (!comesUp) this.die("code 1");
  }

  die(how = "SIGKILL"): void {
    this.isDead = true;
    this.#end.resolve(how);
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.#end.resolve("code 0");
  }
}

function createPool(size: number, comesUp: (index: number) => boolean = () => true) {
  const started: FakeWorker[] = [];
  let deaths = 0;
  const waits: number[] = [];
  const clock = { now: 0 };
  const pool = new WorkerPool({
    size,
    start(index) {
      const worker = new FakeWorker(index, comesUp(index));
      started.push(worker);
      return worker;
    },
    onDeath: () => void (deaths += 1),
    onGone: async () => undefined,
    graceMs: 1,
    now: () => clock.now,
    wait: async (ms) => void waits.push(ms),
    log: createLogger("test", "silent"),
  });
  return { pool, started, waits, clock, deaths: () => deaths };
}
