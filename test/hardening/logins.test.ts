import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Redis } from "ioredis";
import { type AuthStack, DEMO_PASSWORD, readAudit, startAuthStack } from "#test/support/start-auth.ts";
import { waitFor } from "#test/support/wait.ts";

let stack: AuthStack;

beforeAll(async () => {
  stack = await startAuthStack({ AUTH_TRUSTED_PROXIES: "127.0.0.0/8" });
});
afterAll(() => stack[Symbol.asyncDispose]());

interface Attempt {
  readonly username: string;
  readonly from: string;
  readonly tenant?: string;
  readonly password?: string;
  readonly cookie?: string;
}

function logIn({ username, from, tenant = "demo", password = DEMO_PASSWORD, cookie }: Attempt): Promise<Response> {
  const headers = { "x-forwarded-for": from, ...(cookie === undefined ? {} : { cookie }) };
  const body = JSON.stringify({ tenant, username, password });
  return fetch(`${stack.url}/v1/auth/login`, { method: "POST", headers, body });
}

async function statusOf(attempt: Attempt): Promise<number> {
  return (await logIn(attempt)).status;
}

/** Wrong guesses, one after the other. */
async function guess(times: number, attempt: Attempt): Promise<number[]> {
  const statuses: number[] = [];
  for (let time = 0; time < times; time += 1) statuses.push(await statusOf({ password: "wrong", ...attempt }));
  return statuses;
}

function deviceCookieOf(response: Response): string {
  return response.headers.getSetCookie().find((cookie) => cookie.startsWith("login_device_")) ?? "";
}

describe("whoever guesses at somebody's password", () => {
  test("is locked out with their address, and their victim is not", async () => {
    const guesses = await guess(12, { username: "alice", from: "203.0.113.1" });
    expect(guesses).toEqual([...Array<number>(10).fill(401), 429, 429]);
    expect(await statusOf({ username: "alice", from: "203.0.113.1" })).toBe(429);
    expect(await statusOf({ username: "alice", from: "198.51.100.1" })).toBe(200);
  });

  test("from the victim's own address does not lock out the browser that the victim knows", async () => {
    const cookie = deviceCookieOf(await logIn({ username: "bob", from: "203.0.113.2" }));
    expect(cookie).toMatch(
      /^login_device_[\w-]{10}=[\w-]{22}\.[\w-]{43}; Max-Age=34560000; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    await guess(11, { username: "bob", from: "203.0.113.2" });
    expect(await statusOf({ username: "bob", from: "203.0.113.2" })).toBe(429);
    const [known = ""] = cookie.split(";");
    expect(await statusOf({ username: "bob", from: "203.0.113.2", cookie: known })).toBe(200);
    const forged = known.replace(/.$/, (last) => (last === "A" ? "B" : "A"));
    expect(await statusOf({ username: "bob", from: "203.0.113.2", cookie: forged })).toBe(429);
  });

  test("with 240 at once from one address keeps nobody else out", async () => {
    const flood = Array.from({ length: 240 }, (_, index) =>
      statusOf({ username: `nobody-${index}`, from: "203.0.113.3", password: "wrong" }),
    );
    const good = await Promise.all(
      ["198.51.100.10", "198.51.100.11", "198.51.100.12"].map((from) => statusOf({ username: "carol", from })),
    );
    expect(good).toEqual([200, 200, 200]);
    await Promise.all(flood);
  });
});

test("a browser that many people share keeps the devices of eight accounts: more would fill the headers that proxies take", async () => {
  const names = Array.from({ length: 12 }, (_, index) => `login_device_${String(index).padStart(10, "0")}`);
  const kept = [...names, "login_device_other", "login_device_0000000000x"].map((name) => `${name}=x`).join("; ");
  const response = await logIn({ username: "carol", from: "198.51.100.30", cookie: kept });
  const cookies = response.headers.getSetCookie().filter((cookie) => cookie.startsWith("login_device_"));
  const taken = cookies.filter((cookie) => cookie.includes("=; Max-Age=0;")).map((cookie) => cookie.split("=")[0]);
  expect(taken).toEqual(names.slice(0, 5));
  expect(cookies).toHaveLength(6);
});

test("a password of up to 4096 bytes is looked at, a longer one is not", async () => {
  const attempt = { username: "alice", from: "198.51.100.20" };
  expect(await statusOf({ ...attempt, password: "\u00e4".repeat(2_048) })).toBe(401);
  expect(await statusOf({ ...attempt, password: "\u00e4".repeat(2_049) })).toBe(400);
});

test("a password that was typed as the name stands nowhere: not in the trail, not in the log, not in Redis", async () => {
  const secret = "hunter2-hunter2";
  expect(await statusOf({ username: secret, from: "203.0.113.4" })).toBe(401);
  expect(await statusOf({ tenant: secret, username: secret, from: "203.0.113.4" })).toBe(401);
  const refused = async (tenant: string) =>
    (await readAudit(stack.nats, tenant)).filter(({ address }) => address === "203.0.113.4");
  await waitFor("both are audited", async () => (await refused("@unknown")).length > 0);
  const entries = [...(await refused("demo")), ...(await refused("@unknown"))];
  expect(entries.map(({ event, reason }) => `${event} ${reason}`)).toEqual(Array(2).fill("login_refused unknown_user"));
  const redis = new Redis(stack.redis.adminUrl);
  expect(JSON.stringify([entries, await redis.keys("*")])).not.toContain(secret);
  redis.disconnect();
  expect(stack.auth.child.output()).not.toContain(secret);
});
