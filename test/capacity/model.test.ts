import { describe, expect, test } from "vitest";
import {
  brokerNeeds,
  loopShare,
  nearest,
  type Machines,
  type Mix,
  type Need,
  type Plan,
  planFor,
  reachBackSeconds,
  redisNeed,
  workerNeeds,
  workOf,
} from "./model.ts";
import { slopesSchema } from "./slopes.ts";
import { SLOPES } from "./round-slopes.ts";

const MACHINES: Machines = {
  edgeCores: 4,
  workerMiB: 2_048,
  tailMiB: 256,
  streamsPerWorker: 19_000,
  brokerCores: 4,
  brokerMiB: 8_192,
  brokerDiskGiB: 1_000,
  coreShare: 0.5,
  roomShare: 0.8,
};

const MIX: Mix = {
  name: "mix",
  streams: 10_000,
  eventsPerSecond: 10,
  tenants: 10,
  reach: 1,
  payloadBytes: 200,
  lifeSeconds: 1_000,
  logMiB: 1_024,
};

const shareOf = (needs: readonly Need[], resource: string): number =>
  needs.find((need) => need.resource === resource)?.share ?? Number.NaN;

/** A plan where there is one. */
function planned(mix: Mix): Plan {
  const plan = planFor(SLOPES, mix, MACHINES);
  if ("resource" in plan) throw new Error(`${plan.resource} is not enough`);
  return plan;
}

test("the slopes of these tests are slopes", () => {
  expect(slopesSchema.parse(SLOPES)).toEqual(SLOPES);
});

describe("a worker", () => {
  test("alone does everything", () => {
    const work = workOf(SLOPES, MIX, 1);
    expect(work).toMatchObject({ reads: 10, deliveries: 10_000, streams: 10_000, feeds: 10, handshakes: 10 });
    expect(work.writes).toBeCloseTo(10_000);
    expect(work.flushes).toBeCloseTo(10);
  });

  test("of many has its share of the streams, and reads the logs of all tenants that it has one of", () => {
    const work = workOf(SLOPES, MIX, 10);
    expect(work).toMatchObject({ deliveries: 1_000, streams: 1_000, handshakes: 1 });
    expect(work.feeds).toBeCloseTo(10);
    expect(work.reads).toBeCloseTo(10);
  });

  test("meets few of many small tenants", () => {
    const work = workOf(SLOPES, { ...MIX, streams: 2_000, tenants: 1_000 }, 100);
    // Two streams of each tenant: 1 - 0.99² of the tenants have one here.
    expect(work.feeds).toBeCloseTo(19.9);
    expect(work.writes).toBeCloseTo(work.deliveries);
  });

  test("writes only to those whom an event is for", () => {
    const work = workOf(SLOPES, { ...MIX, reach: 0.1 }, 1);
    expect(work.deliveries).toBeCloseTo(1_000);
    expect(work.writes).toBeCloseTo(1_000);
    expect(work.flushes).toBeCloseTo(10);
  });
});

describe("a loop", () => {
  const idle = { reads: 0, flushes: 0, writes: 0, deliveries: 0, streams: 0, feeds: 0, handshakes: 0 };

  test("takes what its work takes, and is woken by events that find it asleep", () => {
    expect(loopShare(SLOPES, idle)).toBeCloseTo(0.01);
    expect(loopShare(SLOPES, { ...idle, writes: 10_000 })).toBeCloseTo(0.11);
    // 0.01 + 0.02 of reading, and 0.1 × (1 - all) of waking: all = 0.13 / 1.1.
    expect(loopShare(SLOPES, { ...idle, reads: 1_000 })).toBeCloseTo(0.13 / 1.1);
  });

  test("is woken more rarely where it has to wait for its core, and not at all where it is never through", () => {
    const reading = { ...idle, reads: 1_000 };
    expect(loopShare(SLOPES, reading, 3)).toBeCloseTo(0.13 / 1.3);
    expect(loopShare(SLOPES, reading, 50)).toBeCloseTo(0.03);
  });

  test("that is at its end is not woken any more", () => {
    expect(loopShare(SLOPES, { ...idle, reads: 49_500 })).toBeCloseTo(1);
    expect(loopShare(SLOPES, { ...idle, reads: 99_500 })).toBeCloseTo(2);
  });
});

test("a worker needs a core, descriptors and memory", () => {
  const needs = workerNeeds(SLOPES, { ...MIX, streams: 19_000, eventsPerSecond: 0.001 }, MACHINES, 1);
  expect(shareOf(needs, "descriptors of an edge")).toBe(1);
  // 100 MiB of the process, 64 of the tail, 148.4 of streams, 0.6 of feeds.
  expect(shareOf(needs, "memory of an edge")).toBeCloseTo(313.06 / 2_048 / 0.8, 3);
  expect(shareOf(needs, "CPU of an edge")).toBeCloseTo(0.098, 2);
});

test("a broker needs cores, syncs, memory and a disk", () => {
  const needs = brokerNeeds(SLOPES, MIX, MACHINES, { workers: 4, brokers: 3 });
  // 10 × 500 µs stored, 10 × 200 for logs, 40 × 20 given, 40 × 50 for consumers that wait: of three brokers.
  expect(shareOf(needs, "CPU of a broker")).toBeCloseTo(9_800 / 3 / 1e6 / 4 / 0.5, 6);
  expect(shareOf(needs, "syncs of a broker")).toBeCloseTo(10 / 3_000 / 0.5);
  expect(shareOf(needs, "syncs of one tenant's log")).toBeCloseTo(1 / 3_000 / 0.5);
  expect(shareOf(needs, "memory of a broker")).toBeCloseTo((40 * 40 + 30 * 100) / 1_024 / 3 / 8_192 / 0.8, 6);
  expect(shareOf(needs, "disk of a broker")).toBeCloseTo(10 / 1_000 / 0.8);
});

test("Redis needs a core for the workers' exchanges of counts", () => {
  const share = (workers: number, lifeSeconds: number): number =>
    redisNeed(SLOPES, { ...MIX, eventsPerSecond: 0, lifeSeconds }, MACHINES, workers).share;
  // 10 000 handshakes a second: two exchanges of each worker. 10 × 2 × 100, of half a core.
  expect(share(10, 1)).toBeCloseTo(0.004);
  expect(share(100, 1)).toBeCloseTo(0.04);
  // Nearly none: a lease is renewed every 3 s.
  expect(share(100, 1e9)).toBeCloseTo(0.04 / 6);
});

test("a log reaches back as far as its size goes", () => {
  // One event of 300 bytes a second in 1 GiB.
  expect(reachBackSeconds(SLOPES, MIX)).toBeCloseTo(2 ** 30 / 300);
});

describe("a plan", () => {
  test("has two edges and three brokers at least, for the one that fails", () => {
    const plan = planned({ ...MIX, streams: 10 });
    expect(plan).toMatchObject({ edges: 2, workers: 8, brokers: 3, auths: 2, policies: 2, publishers: 2 });
  });

  test("has the least number of edges with which nothing is over, and one less would be", () => {
    const mix = { ...MIX, streams: 400_000, eventsPerSecond: 50 };
    const { edges, needs } = planned(mix);
    const isOver = (count: number): boolean =>
      workerNeeds(SLOPES, mix, MACHINES, count * 4).some(({ share }) => share > 1);
    expect(edges).toBeGreaterThan(2);
    expect([isOver(edges), isOver(edges - 1)]).toEqual([false, true]);
    expect(needs[0]).toEqual(nearest(needs));
    expect(needs[0]?.share).toBeLessThanOrEqual(1);
  });

  test("names what ends first: descriptors of quiet streams, the disk of many tenants, the loop of many deliveries", () => {
    const endOf = (mix: Partial<Mix>): string | undefined => planned({ ...MIX, ...mix }).needs[0]?.resource;
    expect(endOf({ streams: 150_000, eventsPerSecond: 0.1, lifeSeconds: 100_000 })).toBe("descriptors of an edge");
    expect(endOf({ tenants: 790, streams: 790 })).toBe("disk of a broker");
    expect(endOf({ streams: 20_000, eventsPerSecond: 150 })).toBe("CPU of an edge");
  });

  test("is none where one tenant's log is more than a broker syncs, reading alone more than a core, or Redis is at its end", () => {
    const one = (eventsPerSecond: number) => planFor(SLOPES, { ...MIX, tenants: 1, eventsPerSecond }, MACHINES);
    expect(one(1_501)).toMatchObject({ resource: "syncs of one tenant's log" });
    expect(one(1_499)).toMatchObject({ brokers: 3 });
    const many = { ...MIX, tenants: 100, streams: 1e8, eventsPerSecond: 26_000, reach: 0.0001 };
    expect(planFor(SLOPES, many, MACHINES)).toMatchObject({ resource: "CPU of an edge" });
    const streams = { ...MIX, streams: 5e7, eventsPerSecond: 1, lifeSeconds: 1_800 };
    expect(planFor(SLOPES, streams, MACHINES)).toMatchObject({ resource: "CPU of Redis" });
  });

  test("counts the processor time of all services for a million deliveries", () => {
    const plan = planned({ ...MIX, streams: 1_000, eventsPerSecond: 100, lifeSeconds: 1e9 });
    expect(plan.deliveriesPerSecond).toBe(10_000);
    // 8 workers: 0.01 of each, 100 events read, 1 000 flushes and 10 000 writes of all; brokers, publishers, Redis.
    expect(plan.cpuSecondsPerMillion).toBeGreaterThan(30);
    expect(plan.cpuSecondsPerMillion).toBeLessThan(60);
    expect(planned({ ...MIX, eventsPerSecond: 0 }).cpuSecondsPerMillion).toBe(Infinity);
  });
});
