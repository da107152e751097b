import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RedisServer, startRedis } from "#test/support/start-redis.ts";
import { connectRedis } from "./connect-redis.ts";
import { readRedisSettings } from "./redis-settings.ts";
import { createLoginThrottle } from "./login-throttle-redis.ts";
import type { LoginThrottle } from "./login-throttle.ts";

let server: RedisServer;
let redis: Redis;
let admin: Redis;
let throttle: LoginThrottle;

beforeAll(async () => {
  server = await startRedis();
  redis = await connectRedis(readRedisSettings({ REDIS_URL: server.url }));
  admin = new Redis(server.adminUrl);
  throttle = createLoginThrottle(redis, { refresh: [Buffer.alloc(32, "refresh")] });
});
afterAll(async () => {
  redis.disconnect();
  admin.disconnect();
  await server[Symbol.asyncDispose]();
});

const HOME = "192.0.2.1";
const OTHER = "198.51.100.7";

/** The seconds to wait; each account of a test is its own. */
async function waitOf(account: string, address = HOME, device?: string): Promise<number> {
  return (await throttle.admit({ tenant: "acme", account, address, device })).waitSeconds;
}

async function slowOf(account: string, address: string): Promise<number> {
  return (await throttle.admit({ tenant: "acme", account, address })).slowMs;
}

async function exhaust(account: string, address = HOME, device?: string): Promise<void> {
  await Promise.all(Array.from({ length: 10 }, () => waitOf(account, address, device)));
}

/** Ends each lock that there is. */
async function endLocks(): Promise<void> {
  for (const key of await admin.keys("sluice:login:*")) await admin.del(key);
}

describe("ten wrong guesses at an account from one address", () => {
  test("lock it for that address, however many come at once, and for no other", async () => {
    const waits = await Promise.all(Array.from({ length: 50 }, () => waitOf("ann")));
    expect(waits.filter((seconds) => seconds === 0)).toHaveLength(10);
    expect(await waitOf("ann")).toBeGreaterThan(50);
    expect(await waitOf("ann", OTHER)).toBe(0);
    expect(await waitOf("bob")).toBe(0);
    expect((await throttle.admit({ tenant: "rival", account: "ann", address: HOME })).waitSeconds).toBe(0);
  });

  test("are all that counts there, however often it is tried on: neither its address nor its owner elsewhere is hindered", async () => {
    const office = "203.0.113.99";
    for (let round = 0; round < 8; round += 1) {
      await Promise.all(Array.from({ length: 50 }, () => waitOf("old-secret", office)));
    }
    expect(await waitOf("somebody-else", office)).toBe(0);
    expect(await slowOf("old-secret", OTHER)).toBe(0);
  });

  test("lock it for longer each time, up to an hour, and attempts in between prolong nothing", async () => {
    const locks: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      await exhaust("cid");
      locks.push(await waitOf("cid"));
      expect(await waitOf("cid")).toBeLessThanOrEqual(locks.at(-1)!);
      await endLocks();
    }
    expect(locks).toEqual([60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
  });

  test("are forgotten with the locks before them once the right password came", async () => {
    await exhaust("dan");
    expect(await waitOf("dan")).toBe(60);
    await throttle.forget({ tenant: "acme", account: "dan", address: HOME });
    await exhaust("dan");
    expect(await waitOf("dan")).toBe(60);
  });
});

test("guesses at an account from many addresses only slow it, by 3 s at most", async () => {
  const addresses = Array.from({ length: 60 }, (_, index) => `203.0.113.${index}`);
  const slowed: number[] = [];
  for (const address of addresses) {
    expect(await waitOf("eve", address)).toBe(0);
    slowed.push(await slowOf("eve", address));
  }
  expect(slowed.slice(0, 10)).toEqual(Array(10).fill(0));
  expect(slowed[10]).toBe(200);
  expect(slowed.at(-1)).toBe(3_000);
  expect(slowed.toSorted((a, b) => a - b)).toEqual(slowed);
});

describe("a browser on which the account has logged in before", () => {
  test("is neither locked nor slowed by what others do at the account or from its address", async () => {
    await Promise.all(Array.from({ length: 300 }, (_, index) => waitOf(`user-${index}`, "203.0.113.200")));
    await exhaust("fay", "203.0.113.200");
    expect(await waitOf("fay", "203.0.113.200")).toBeGreaterThan(0);
    const known = { tenant: "acme", account: "fay", address: "203.0.113.200", device: "d1" };
    expect(await throttle.admit(known)).toEqual({ waitSeconds: 0, slowMs: 0 });
  });

  test("has ten guesses of its own, and its lock concerns nobody else", async () => {
    await exhaust("gil", HOME, "d2");
    expect(await waitOf("gil", HOME, "d2")).toBe(60);
    expect(await waitOf("gil", OTHER, "d2")).toBeGreaterThan(0);
    expect(await waitOf("gil", HOME, "d3")).toBe(0);
    expect(await waitOf("gil", HOME)).toBe(0);
  });
});

test("an address is admitted 300 times in five minutes, whatever the accounts, and others are not concerned", async () => {
  const [full, other] = ["2001:db8:0:1::/64", "2001:db8:0:2::/64"];
  const attempts = Array.from({ length: 300 }, (_, index) => waitOf(`site-${index}`, full));
  expect(new Set(await Promise.all(attempts))).toEqual(new Set([0]));
  expect(await waitOf("one-more", full)).toBeGreaterThan(280);
  expect(await waitOf("one-more", other)).toBe(0);
});

test("an attempt that was answered with 'not now' is taken back, and the others stay counted", async () => {
  for (let again = 0; again < 12; again++) {
    expect(await waitOf("hal")).toBe(0);
    await throttle.discount({ tenant: "acme", account: "hal", address: HOME });
  }
  await exhaust("hal");
  expect(await waitOf("hal")).toBeGreaterThan(0);
});

test("a success whose count has run out leaves no count behind", async () => {
  await throttle.forget({ tenant: "acme", account: "ida", address: "192.0.2.99" });
  expect(await redis.exists("sluice:login-from:{192.0.2.99}")).toBe(0);
});

test("no name that was typed stands in Redis", async () => {
  await waitOf("my-password");
  expect((await admin.keys("*")).filter((key) => key.includes("my-password"))).toEqual([]);
});
