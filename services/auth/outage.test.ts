import { credentials } from "@grpc/grpc-js";
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SessionServiceClient, SessionState } from "#proto/auth/v1/session.ts";
import type { ErrorCode } from "#shared/protocol/problem-codes.ts";
import type { AppError } from "#shared/errors/app-error.ts";
import { callUnary } from "#shared/grpc/call-unary.ts";
import {
  type AuthStack,
  createTenantLog,
  DEMO_PASSWORD,
  readSessionEntries,
  removeTenantLog,
  startAuthStack,
} from "#test/support/start-auth.ts";
import { waitFor } from "#test/support/wait.ts";
import { freeze, thaw } from "#test/support/freeze.ts";

const ALICE = { tenant: "demo", username: "alice", password: DEMO_PASSWORD };

let stack: AuthStack;
let client: SessionServiceClient;

beforeEach(async () => {
  stack = await startAuthStack();
  client = new SessionServiceClient(`127.0.0.1:${stack.auth.ports.grpc}`, credentials.createInsecure());
});
afterEach(async () => {
  client.close();
  await stack[Symbol.asyncDispose]();
});

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly session_id: string;
}

/** Status and body of a call. */
async function post(path: string, body: object, token?: string): Promise<{ status: number } & Partial<Tokens>> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(`${stack.url}/v1/auth/${path}`, { method: "POST", body: JSON.stringify(body), headers });
  const text = await response.text();
  return { ...(text === "" ? {} : (JSON.parse(text) as Tokens)), status: response.status };
}

/** What the test before stopped, auth may have to find again. */
async function logIn(): Promise<Tokens> {
  const answer = await waitFor("auth answers", async () => {
    const given = await post("login", ALICE);
    return given.status !== 503 && given;
  });
  const { status, access_token = "", refresh_token = "", session_id = "" } = answer;
  expect(status).toBe(200);
  return { access_token, refresh_token, session_id };
}

/** What auth tells the edge about the session, or the code of its refusal. */
async function check(sid: string, extend: boolean, leftSeconds = 60): Promise<SessionState | ErrorCode> {
  const tokenExpiresAt = Math.floor(Date.now() / 1000) + leftSeconds;
  const questions = [{ tenant: "demo", sid, subject: "alice", tokenExpiresAt, extend, contextId: "c" }];
  return callUnary(client.checkSessions.bind(client), { questions }, { timeoutMs: 30_000 }).then(
    ({ answers }) => answers[0]!.state,
    (error: AppError) => error.code,
  );
}

test("without Redis, sessions are checked and revoked; logins, refreshes and extensions are refused for now", async () => {
  const kept = await logIn();
  const ended = await logIn();
  await stack.redis.stop("SIGKILL");
  expect(await check(kept.session_id, false)).toBe(SessionState.LIVE);
  expect(await check(kept.session_id, true)).toBe("unavailable");
  expect((await post("login", ALICE)).status).toBe(503);
  expect((await post("refresh", kept)).status).toBe(503);
  expect((await post("logout", {}, ended.access_token)).status).toBe(204);
  expect(await check(ended.session_id, false)).toBe(SessionState.REVOKED);
  expect(await readSessionEntries(stack.nats, "demo")).toEqual([{ sid: ended.session_id, action: "revoked" }]);

  await stack.redis.start();
  await waitFor("auth has Redis again", async () => (await post("refresh", kept)).status === 200);
  expect((await post("refresh", ended)).status).toBe(401);
});

test("a Redis that forgot a revocation brings no session back", async () => {
  const { access_token, refresh_token, session_id } = await logIn();
  await stack.redis.stop("SIGKILL");
  expect((await post("logout", {}, access_token)).status).toBe(204);
  await stack.redis.start();
  const refused = async () => (await post("refresh", { refresh_token })).status;
  await waitFor("the session is refused by name", async () => (await refused()) === 401);
  expect(await check(session_id, true)).toBe(SessionState.REVOKED);
});

test("a Redis that lost everything ends the sessions, and logs people in again", async () => {
  const { refresh_token, session_id } = await logIn();
  const redis = new Redis(stack.redis.adminUrl);
  await redis.flushall();
  redis.disconnect();
  expect((await post("refresh", { refresh_token })).status).toBe(401);
  // What the token still gives stays, and no more comes.
  expect(await check(session_id, true)).toBe(SessionState.LIVE);
  expect(await check(session_id, true, 0)).toBe(SessionState.EXPIRED);
  expect((await logIn()).refresh_token).toContain(".1.");
});

test("without NATS, nothing is told about sessions and no revocation is claimed", async () => {
  const { access_token, refresh_token, session_id } = await logIn();
  await stack.nats.stop("SIGKILL");
  expect(await check(session_id, false)).toBe("unavailable");
  expect((await post("logout", {}, access_token)).status).toBe(503);
  expect((await post("refresh", { refresh_token })).status).toBe(503);
  await stack.nats.start();
  await waitFor("the logout is stored", async () => (await post("logout", {}, access_token)).status === 204);
  expect(await check(session_id, false)).toBe(SessionState.REVOKED);
});

test("a stolen token that was noticed while NATS was gone is answered only once the session's end is stored", async () => {
  const first = await logIn();
  const second = await post("refresh", first);
  await post("refresh", second);
  await stack.nats.stop("SIGKILL");
  expect((await post("refresh", first)).status).toBe(503);
  await stack.nats.start();
  await waitFor("the reuse is answered", async () => (await post("refresh", first)).status === 401);
  expect(await check(first.session_id, false)).toBe(SessionState.REVOKED);
  expect(await readSessionEntries(stack.nats, "demo")).toContainEqual({ sid: first.session_id, action: "revoked" });
});

/** Makes all that Redis remembers of a session's last refresh a minute older. */
async function age(sid: string): Promise<void> {
  const redis = new Redis(stack.redis.adminUrl);
  const key = `sluice:session:{${sid}}`;
  const spentAt = await redis.hget(key, "spent_at");
  if (spentAt !== null) await redis.hset(key, "spent_at", Number(spentAt) - 60_000);
  redis.disconnect();
}

test("a refresh that is refused while the bus is away has not spent its token, however late it comes again", async () => {
  const { refresh_token, session_id } = await logIn();
  await stack.nats.stop("SIGKILL");
  expect((await post("refresh", { refresh_token })).status).toBe(503);
  await age(session_id);
  await stack.nats.start();
  const again = await waitFor("it is answered", async () => {
    const answer = await post("refresh", { refresh_token });
    return answer.status !== 503 && answer;
  });
  expect(again).toMatchObject({ status: 200, session_id });
  expect((await post("refresh", again)).status).toBe(200);
});

test("a session whose end was stored and not announced is ended by the next try, also with its own token", async () => {
  const one = await logIn();
  const two = await logIn();
  const end = ({ access_token, session_id }: Tokens) =>
    fetch(`${stack.url}/v1/auth/sessions/${session_id}`, {
      method: "DELETE",
      headers: { authorization: `Bearer ${access_token}` },
    });
  const revoke = ({ access_token }: Tokens) =>
    fetch(`${stack.url}/v1/auth/revoke`, { method: "POST", body: new URLSearchParams({ token: access_token }) });
  await removeTenantLog(stack.nats, "demo");
  expect([(await end(one)).status, (await revoke(two)).status]).toEqual([503, 503]);
  expect(await check(one.session_id, false)).toBe(SessionState.REVOKED);
  await createTenantLog(stack.nats, "demo");
  expect([(await end(one)).status, (await revoke(two)).status]).toEqual([204, 200]);
  const entries = [one, two].map(({ session_id: sid }) => ({ sid, action: "revoked" }));
  expect(await readSessionEntries(stack.nats, "demo")).toEqual(entries);
});

test("a Redis that hangs and goes on spends no token and counts no login that was answered with 503", async () => {
  const { refresh_token, session_id } = await logIn();
  await freeze(stack.redis);
  const logins = Array.from({ length: 12 }, () => post("login", ALICE));
  const refused = await Promise.all([post("refresh", { refresh_token }), ...logins]);
  expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([503]));
  thaw(stack.redis);
  await waitFor("a login is answered", async () => (await post("login", ALICE)).status === 200);
  await age(session_id);
  expect((await post("refresh", { refresh_token })).status).toBe(200);
});
