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

  test("take one hash for each worker, which ends with its lease, and no name stands in it", async () => {
    const store = await openStore("1");
    await store.exchange(
      Array.from({ length: 4_000 }, (_, index) => ({ key: `alice${index}`, count: 1 })),
      false,
    );
    expect((await admin.keys("*")).toSorted()).toEqual(["sluice:stream:counts:1", "sluice:stream:workers"]);
    expect(await admin.hlen("sluice:stream:counts:1")).toBe(4_001);
    expect(await admin.pttl("sluice:stream:counts:1")).toBeGreaterThan(5_000);
    expect(JSON.stringify(await admin.hgetall("sluice:stream:counts:1"))).not.toContain("alice");
  });

  test("of a worker whose lease has ended are gone, and it is told that it begins anew", async () => {
    const [one, two] = [await openStore("1"), await openStore("2")];
    await one.exchange(counted({ alice: 2 }), false);
    await admin.zadd("sluice:stream:workers", 0, "1");
    expect(await two.exchange(counted({ alice: 1 }), false)).toEqual({ workers: 1, isNew: false, others: [0] });
    await admin.del("sluice:stream:counts:1");
    expect(await one.exchange([], false)).toMatchObject({ workers: 2, isNew: true });
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
