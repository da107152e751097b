import type { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLogger } from "#shared/log/create-logger.ts";
import { type RedisServer, startRedis } from "#test/support/start-redis.ts";
import { connectRedis } from "./connect-redis.ts";
import type { LoginThrottle } from "./log-in.ts";
import { createLoginThrottle } from "./login-throttle-redis.ts";

let server: RedisServer;
let redis: Redis;
let throttle: LoginThrottle;

beforeAll(async () => {
  server = await startRedis();
  redis = await connectRedis(server.url, createLogger("test", "silent"));
  throttle = createLoginThrottle(redis);
});
afterAll(async () => {
  redis.disconnect();
  await server[Symbol.asyncDispose]();
});

test("of many attempts at once, ten are admitted, and other accounts are not concerned", async () => {
  const admitted = await Promise.all(Array.from({ length: 50 }, () => throttle.admit("acme", "ann")));
  expect(admitted.filter(Boolean)).toHaveLength(10);
  expect(await throttle.admit("acme", "bob")).toBe(true);
  expect(await throttle.admit("rival", "ann")).toBe(true);
});

test("the count ends five minutes after the first attempt, and later attempts do not prolong it", async () => {
  const key = "sluice:login:{acme.cid}";
  await throttle.admit("acme", "cid");
  expect(await redis.pttl(key)).toBeGreaterThan(290_000);
  await redis.pexpire(key, 100_000);
  await throttle.admit("acme", "cid");
  expect(await redis.pttl(key)).toBeLessThanOrEqual(100_000);
});

test("a success forgets the attempts before it", async () => {
  for (let attempt = 0; attempt < 11; attempt++) await throttle.admit("acme", "dan");
  expect(await throttle.admit("acme", "dan")).toBe(false);
  await throttle.forget("acme", "dan");
  expect(await throttle.admit("acme", "dan")).toBe(true);
});
