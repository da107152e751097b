import type { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RedisServer, startRedis } from "#test/support/start-redis.ts";
import { connectRedis } from "./connect-redis.ts";
import { readRedisSettings } from "./redis-settings.ts";
import { createLoginThrottle } from "./login-throttle-redis.ts";
import type { LoginThrottle } from "./login-throttle.ts";

let server: RedisServer;
let redis: Redis;
let throttle: LoginThrottle;

beforeAll(async () => {
  server = await startRedis();
  redis = await connectRedis(readRedisSettings({ REDIS_URL: server.url }));
  throttle = createLoginThrottle(redis);
});
afterAll(async () => {
  redis.disconnect();
  await server[Symbol.asyncDispose]();
});

/** Each account from an address of its own, unless a test says otherwise. */
function admit(tenant: string, account: string, address = `192.0.2.1-${tenant}.${account}`): Promise<number> {
  return throttle.admit({ tenant, account, address });
}

test("of many attempts at once, ten are admitted, and other accounts are not concerned", async () => {
  const waits = await Promise.all(Array.from({ length: 50 }, () => admit("acme", "ann")));
  expect(waits.filter((seconds) => seconds === 0)).toHaveLength(10);
  expect(await admit("acme", "bob")).toBe(0);
  expect(await admit("rival", "ann")).toBe(0);
});

test("the wait ends five minutes after the first attempt, and later attempts do not prolong it", async () => {
  const key = "sluice:login:{acme.cid}";
  for (let attempt = 0; attempt < 10; attempt++) await admit("acme", "cid");
  expect(await admit("acme", "cid")).toBeGreaterThan(290);
  await redis.pexpire(key, 100_000);
  expect(await admit("acme", "cid")).toBeLessThanOrEqual(100);
  expect(await redis.pttl(key)).toBeLessThanOrEqual(100_000);
});

test("a success forgets the attempts at its account, and of its address only itself", async () => {
  const [address, account] = ["198.51.100.7", "dan"];
  for (let attempt = 0; attempt < 11; attempt++) await admit("acme", account, address);
  expect(await admit("acme", account, address)).toBeGreaterThan(0);
  await throttle.forget({ tenant: "acme", account, address });
  expect(await admit("acme", account, address)).toBe(0);
  expect(await redis.get(`sluice:login-from:{${address}}`)).toBe("12");
});

test("an address is admitted 300 times in five minutes, whatever the accounts, and others are not concerned", async () => {
  const [full, other] = ["2001:db8:0:1::/64", "2001:db8:0:2::/64"];
  const attempts = Array.from({ length: 300 }, (_, index) => admit("acme", `user-${index}`, full));
  expect(new Set(await Promise.all(attempts))).toEqual(new Set([0]));
  expect(await admit("acme", "one-more", full)).toBeGreaterThan(290);
  expect(await admit("acme", "one-more", other)).toBe(0);
});

test("an attempt that was answered with 'not now' is taken back, and the others stay counted", async () => {
  const attempt = { tenant: "acme", account: "fay", address: "203.0.113.10" };
  for (let again = 0; again < 12; again++) {
    expect(await throttle.admit(attempt)).toBe(0);
    await throttle.discount(attempt);
  }
  for (let again = 0; again < 10; again++) expect(await throttle.admit(attempt)).toBe(0);
  expect(await throttle.admit(attempt)).toBeGreaterThan(0);
});

test("a success whose count has run out leaves no count behind", async () => {
  await throttle.forget({ tenant: "acme", account: "eve", address: "203.0.113.9" });
  expect(await redis.exists("sluice:login-from:{203.0.113.9}")).toBe(0);
});
