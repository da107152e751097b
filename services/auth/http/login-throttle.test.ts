import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type AuthStack, DEMO_PASSWORD, startAuthStack } from "#test/support/start-auth.ts";

let stack: AuthStack;
let redis: Redis;

beforeAll(async () => {
  stack = await startAuthStack({ AUTH_TRUSTED_PROXIES: "127.0.0.0/8" });
  redis = new Redis(stack.redis.adminUrl);
});
afterAll(async () => {
  redis.disconnect();
  await stack[Symbol.asyncDispose]();
});

function logIn(username: string, forwardedFor: string, password = DEMO_PASSWORD): Promise<Response> {
  const body = JSON.stringify({ tenant: "demo", username, password });
  const headers = { "x-forwarded-for": forwardedFor };
  return fetch(`${stack.url}/v1/auth/login`, { method: "POST", headers, body });
}

test("an address that tried too often is told when to come back, whichever account it tries, and others are let in", async () => {
  await redis.set("sluice:login-from:{203.0.113.1}", 300, "PX", 120_000);
  for (const username of ["alice", "nobody"]) {
    const refused = await logIn(username, "203.0.113.1");
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeLessThanOrEqual(120);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(100);
  }
  expect((await logIn("alice", "203.0.113.2")).status).toBe(200);
});

test("what a client writes into X-Forwarded-For before the proxy's own hop changes nothing", async () => {
  await redis.set("sluice:login-from:{203.0.113.9}", 300, "PX", 120_000);
  expect((await logIn("bob", "198.51.100.1, 203.0.113.9")).status).toBe(429);
  expect((await logIn("bob", "203.0.113.9, 198.51.100.1")).status).toBe(200);
});

test("the addresses of one IPv6 site are one", async () => {
  await redis.set("sluice:login-from:{2001:db8:0:7::/64}", 300, "PX", 120_000);
  expect((await logIn("bob", "2001:db8:0:7:aaaa::1")).status).toBe(429);
  expect((await logIn("bob", "2001:db8:0:8::1")).status).toBe(200);
});
