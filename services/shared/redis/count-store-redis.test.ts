import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createRedis } from "#shared/redis/create-redis.ts";
import { parseRedisUrl } from "#shared/redis/redis-settings.ts";
import { type RedisServer, startRedis } from "#test/support/start-redis.ts";
import { waitFor } from "#test/support/wait.ts";
import { RedisCounts } from "./count-store-redis.ts";

let server: RedisServer;
let admin: Redis;
const open: RedisCounts[] = [];

beforeAll(async () => {
  server = await startRedis();
  admin = new Redis(server.adminUrl);
});
beforeEach(async () => {
  await Promise.all(open.splice(0).map((store) => store[Symbol.asyncDispose]()));
  await admin.flushall();
});
afterAll(async () => {
  await Promise.all(open.map((store) => store[Symbol.asyncDispose]()));
  admin.disconnect();
  await server[Symbol.asyncDispose]();
});

async function openStore(workerId: string): Promise<RedisCounts> {
  const store = new RedisCounts(await createRedis({ REDIS_URL: parseRedisUrl(server.streamUrl) }), "stream", workerId);
  open.push(store);
  await waitFor("Redis takes counts", () => store.exchange([], false).then(Boolean, () => false));
  return store;
}

const counted = (counts: Record<string, number>) => Object.entries(counts).map(([key, count]) => ({ key, count }));

describe("counts in Redis", () => {
  test("are what the others count, key by key", async () => {
    const [one, two, three] = [await openStore("1"), await openStore("2"), await openStore("3")];
    await one.exchange(counted({ alice: 2, bob: 1 }), false);
    await two.exchange(counted({ alice: 3 }), false);
    expect(await three.exchange(counted({ bob: 5, alice: 0, carol: 1 }), false)).toEqual({
      workers: 3,
      isNew: false,
      others: [1, 5, 0],
    });
    await two.exchange(counted({ alice: 0 }), false);
    expect(await one.exchange(counted({ alice: 2, bob: 1 }), false)).toMatchObject({ others: [0, 5] });
  });

  test("take a hash for each worker and one for the sums, all of which end by themselves, and no name stands in them", async () => {
    const store = await openStore("1");
    await store.exchange(
      Array.from({ length: 4_000 }, (_, index) => ({ key: `alice${index}`, count: 1 })),
      false,
    );
    const keys = ["counted", "counts:1", "sums", "workers"].map((name) => `sluice:stream:${name}`);
    expect((await admin.keys("*")).toSorted()).toEqual(keys);
    const ends = await Promise.all(keys.map((key) => admin.pttl(key)));
    // A record must not end before the sums that it is in, and the set that leads to it.
    expect(ends[1]).toBeGreaterThan(Math.max(ends[0]!, ends[2]!) + 10_000);
    expect(Math.min(...ends)).toBeGreaterThan(10_000);
    for (const key of ["sluice:stream:counts:1", "sluice:stream:sums"]) {
      expect(await admin.hlen(key)).toBe(4_001);
      expect(JSON.stringify(await admin.hgetall(key))).not.toContain("alice");
    }
  });

  test("begin with nothing of what was told before, where a worker starts over", async () => {
    const [one, two] = [await openStore("1"), await openStore("2")];
    await one.exchange(counted({ alice: 2, bob: 2 }), false);
    await one.exchange(counted({ alice: 1 }), true);
    expect(await two.exchange(counted({ alice: 0, bob: 0 }), false)).toMatchObject({ others: [1, 0] });
  });

  test("go with a worker that ends in good order", async () => {
    const [one, two] = [await openStore("1"), await openStore("2")];
    await one.exchange(counted({ alice: 2 }), false);
    await one[Symbol.asyncDispose]();
    expect(await two.exchange(counted({ alice: 0 }), false)).toMatchObject({ workers: 1, others: [0] });
  });

  test("have a lease for each worker that lives, until the moment in which it ends or is given back", async () => {
    const [one, two, three] = [await openStore("1"), await openStore("2"), await openStore("3")];
    expect(await one.livingWorkers()).toEqual(new Set(["1", "2", "3"]));
    // Nobody has exchanged counts since, and removed it.
    await admin.zadd("sluice:stream:workers", Date.now() - 1, "2");
    await three[Symbol.asyncDispose]();
    expect(await one.livingWorkers()).toEqual(new Set(["1"]));
    await two.exchange([], false);
    expect(await one.livingWorkers()).toEqual(new Set(["1", "2"]));
  });

  test("are all that the edge's user may touch", async () => {
    const edge = new Redis(server.streamUrl);
    await expect(edge.get("sluice:session:1")).rejects.toThrow("NOPERM");
    await expect(edge.hvals("sluice:stream:counts:1")).rejects.toThrow("NOPERM");
    await expect(edge.keys("*")).rejects.toThrow("NOPERM");
    edge.disconnect();
  });
});

test.each([
  ["connecting", 0],
  ["ready", 2],
])(
  "a connection whose exchanges fail is begun anew, and one that is being made is left alone: %s",
  async (status, times) => {
    const breaksOff: boolean[] = [];
    const redis = {
      status,
      defineCommand: () => undefined,
      on: () => undefined,
      connect: async () => undefined,
      exchangeCounts: () => Promise.reject(new Error("Stream isn't writeable")),
      disconnect: (reconnect: boolean) => void breaksOff.push(reconnect),
    };
    const store = new RedisCounts(redis as unknown as Redis, "stream", "1");
    for (let exchange = 0; exchange < 16; exchange += 1)
      await expect(store.exchange([], true)).rejects.toThrow("writeable");
    expect(breaksOff).toEqual(Array(times).fill(true));
  },
);
