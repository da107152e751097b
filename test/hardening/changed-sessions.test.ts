import { credentials } from "@grpc/grpc-js";
import { Redis } from "ioredis";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SessionServiceClient, SessionState } from "#proto/auth/v1/session.ts";
import { callUnary } from "#shared/grpc/call-unary.ts";
import { type AuthStack, DEMO_PASSWORD, startAuthStack } from "#test/support/start-auth.ts";
import { readMetric } from "#test/support/read-metric.ts";
import { waitFor } from "#test/support/wait.ts";

let stack: AuthStack;
/** Somebody who may do everything with Redis, and knows no key of auth's. */
let attacker: Redis;
let edge: SessionServiceClient;

beforeAll(async () => {
  stack = await startAuthStack();
  attacker = new Redis(stack.redis.adminUrl);
  edge = new SessionServiceClient(`127.0.0.1:${stack.auth.ports.grpc}`, credentials.createInsecure());
});
afterAll(async () => {
  edge.close();
  attacker.disconnect();
  await stack[Symbol.asyncDispose]();
});

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly session_id: string;
}

function post(path: string, body: object): Promise<Response> {
  return fetch(`${stack.url}/v1/auth/${path}`, { method: "POST", body: JSON.stringify(body) });
}

async function logIn(username = "alice", tenant = "demo"): Promise<Tokens> {
  const response = await post("login", { tenant, username, password: DEMO_PASSWORD });
  expect(response.status).toBe(200);
  return (await response.json()) as Tokens;
}

const keyOf = (sid: string): string => `sluice:session:{${sid}}`;

/** How much longer a stream of this session may live, when its token is about to expire. */
async function extension({ session_id: sid }: Tokens): Promise<number> {
  const tokenExpiresAt = Math.floor(Date.now() / 1000) + 2;
  const question = { tenant: "demo", sid, subject: "alice", tokenExpiresAt, extend: true, contextId: "c" };
  const { answers } = await callUnary(edge.checkSessions.bind(edge), { questions: [question] }, { timeoutMs: 30_000 });
  return answers[0]?.state === SessionState.LIVE ? answers[0].remainingMs : 0;
}

/** What an attacker does to alice's record, with carol's beside it to take from. */
type Attack = (alice: string, carol: string) => Promise<unknown>;

const take = async (from: string, to: string, ...fields: readonly string[]): Promise<void> => {
  for (const field of fields) await attacker.hset(to, field, (await attacker.hget(from, field)) ?? "");
};

const YEAR_MS = 31_536_000_000;

const attacks: readonly [string, Attack][] = [
  ["name another person", (alice) => attacker.hset(alice, "subject", "carol")],
  ["name another tenant", (alice) => attacker.hset(alice, { tenant: "rival", subject: "mallory" })],
  ["name a service client", (alice) => attacker.hset(alice, { subject: "reporter", client_id: "reporter" })],
  ["name another client", (alice) => attacker.hset(alice, "client_id", "reporter")],
  ["call itself another device", (alice) => attacker.hset(alice, "device", "your phone")],
  ["claim a later login", (alice) => attacker.hset(alice, "login_at", new Date(Date.now() + 60_000).toISOString())],
  ["end later", (alice) => attacker.hset(alice, "ends_at", Date.now() + YEAR_MS)],
  ["look busy", (alice) => attacker.hset(alice, "last_seen", Date.now() + YEAR_MS)],
  [
    "look busy with its old MAC",
    async (alice) => {
      const mac = (await attacker.hget(alice, "last_seen"))?.split(".")[1];
      await attacker.hset(alice, "last_seen", `${Date.now() + YEAR_MS}.${mac}`);
    },
  ],
  ["be another session's copy", (alice, carol) => attacker.copy(carol, alice, "REPLACE")],
  ["name another person with that person's MAC", (alice, carol) => take(carol, alice, "subject", "mac")],
  ["carry no MAC", (alice) => attacker.hdel(alice, "mac")],
  ["be no hash", (alice) => attacker.set(alice, "carol")],
];

describe("a session's record that was changed in Redis to", () => {
  test.for(attacks)("%s is no session", async ([, attack]) => {
    const [alice, carol] = [await logIn(), await logIn("carol")];
    await attack(keyOf(alice.session_id), keyOf(carol.session_id));
    const refreshed = await post("refresh", alice);
    expect(refreshed.status).toBe(401);
    expect(await refreshed.text()).not.toContain("access_token");
    // What the token gives already stays, and no more comes.
    expect(await extension(alice)).toBeLessThanOrEqual(2_000);
  });
});

test("a field that looks like a verdict of ours revives no session that nobody was seen for", async () => {
  await using short = await startAuthStack({ AUTH_SESSION_IDLE_SECONDS: "1" });
  const redis = new Redis(short.redis.adminUrl);
  const ask = (path: string, body: object): Promise<Response> =>
    fetch(`${short.url}/v1/auth/${path}`, { method: "POST", body: JSON.stringify(body) });
  const login = await ask("login", { tenant: "demo", username: "alice", password: DEMO_PASSWORD });
  const alice = (await login.json()) as Tokens;
  await redis.hset(keyOf(alice.session_id), { verdict: "current", live: "yes" });
  const idleSince = Date.now();
  await waitFor("a second has passed without her", async () => Date.now() - idleSince > 1_500);
  expect((await ask("refresh", alice)).status).toBe(401);
  redis.disconnect();
});

test("a session's record that Redis is made to keep for ever ends when the session ends", async () => {
  await using short = await startAuthStack({ AUTH_SESSION_SECONDS: "8" });
  const login = { tenant: "demo", username: "alice", password: DEMO_PASSWORD };
  const response = await fetch(`${short.url}/v1/auth/login`, { method: "POST", body: JSON.stringify(login) });
  const { refresh_token: token, session_id: sid } = (await response.json()) as Tokens;
  const redis = new Redis(short.redis.adminUrl);
  expect(await redis.persist(keyOf(sid))).toBe(1);
  const introspect = async (): Promise<unknown> => {
    const authorization = `Basic ${Buffer.from(`reporter:${DEMO_PASSWORD}`).toString("base64")}`;
    const body = new URLSearchParams({ token });
    const answer = await fetch(`${short.url}/v1/auth/introspect`, { method: "POST", headers: { authorization }, body });
    return answer.json();
  };
  await waitFor("the session is over", async () => !((await introspect()) as { active: boolean }).active);
  expect(await redis.exists(keyOf(sid))).toBe(1);
  redis.disconnect();
});

test("a session that was ended stays ended, although its record in Redis was put back as it was", async () => {
  const alice = await logIn();
  const key = keyOf(alice.session_id);
  const before = await attacker.dumpBuffer(key);
  const headers = { authorization: `Bearer ${alice.access_token}` };
  const ended = await fetch(`${stack.url}/v1/auth/logout`, { method: "POST", headers });
  expect(ended.status).toBe(204);
  await attacker.restore(key, 60_000, before, "REPLACE");
  expect((await post("refresh", alice)).status).toBe(401);
});

test("a generation that was put back gives its session's own person to a holder of its own token, and nobody else", async () => {
  const [alice, carol] = [await logIn(), await logIn("carol")];
  expect((await post("refresh", carol)).status).toBe(200);
  await attacker.hset(keyOf(carol.session_id), "generation", 1);
  const forged = alice.refresh_token.replace(alice.session_id, carol.session_id);
  expect((await post("refresh", { refresh_token: forged })).status).toBe(401);
  const again = (await (await post("refresh", carol)).json()) as Tokens;
  expect(decodeJwt(again.access_token)).toMatchObject({ sub: "carol", sid: carol.session_id });
});

test("another person's session that was put into one's own list is neither shown nor ended with it", async () => {
  const [alice, carol] = [await logIn(), await logIn("carol")];
  await attacker.zadd("sluice:sessions:{demo.alice}", Date.now() + YEAR_MS, carol.session_id);
  const headers = { authorization: `Bearer ${alice.access_token}` };
  const list = await (await fetch(`${stack.url}/v1/auth/sessions`, { headers })).text();
  expect(list).toContain(alice.session_id);
  expect(list).not.toContain(carol.session_id);
});

test("each changed record is counted once, and named in the log once", async () => {
  const metric = "sluice_auth_session_records_forged_total";
  const before = await readMetric(stack.auth, metric);
  const { session_id: sid, refresh_token } = await logIn();
  await attacker.hset(keyOf(sid), "subject", "carol");
  for (let again = 0; again < 3; again++) await post("refresh", { refresh_token });
  expect((await readMetric(stack.auth, metric)) - before).toBe(1);
  const lines = (): string[] => {
    const all = stack.auth.child.output().split("\n");
    return all.filter((line) => line.includes(sid) && line.includes("somebody has changed"));
  };
  await waitFor("the log names it", () => lines().length > 0);
  expect(lines()).toHaveLength(1);
});
