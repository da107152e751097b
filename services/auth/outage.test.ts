import { credentials } from "@grpc/grpc-js";
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SessionServiceClient, SessionState } from "#proto/auth/v1/session.ts";
import type { AppError, ErrorCode } from "#shared/errors/app-error.ts";
import { callUnary } from "#shared/grpc/call-unary.ts";
import { type AuthStack, DEMO_PASSWORD, readSessionEntries, startAuthStack } from "#test/support/start-auth.ts";
import { waitFor } from "#test/support/wait.ts";

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

async function logIn(): Promise<Tokens> {
  const { status, access_token = "", refresh_token = "", session_id = "" } = await post("login", ALICE);
  expect(status).toBe(200);
  return { access_token, refresh_token, session_id };
}

/** What auth tells the edge about the session, or the code of its refusal. */
async function check(sid: string, extend: boolean): Promise<SessionState | ErrorCode> {
  const tokenExpiresAt = Math.ceil(Date.now() / 1000) + 60;
  const questions = [{ tenant: "demo", sid, subject: "alice", tokenExpiresAt, extend, contextId: "c" }];
  return callUnary(client.checkSessions.bind(client), { questions }, { timeoutMs: 10_000 }).then(
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
  const redis = new Redis(stack.redis.url);
  await redis.flushall();
  redis.disconnect();
  expect((await post("refresh", { refresh_token })).status).toBe(401);
  expect(await check(session_id, true)).toBe(SessionState.EXPIRED);
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
