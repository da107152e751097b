import { credentials } from "@grpc/grpc-js";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SessionServiceClient } from "#proto/auth/v1/session.ts";
import { DecisionServiceClient } from "#proto/policy/v1/decision.ts";
import { callUnary } from "#shared/grpc/call-unary.ts";
import { openEventStream } from "#test/support/event-stream.ts";
import { requireOk } from "#test/support/require-ok.ts";
import { readAudit, readSessionEntries } from "#test/support/start-auth.ts";
import { type Login, type Stack, startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

async function refresh(token: string): Promise<Login> {
  const body = JSON.stringify({ refresh_token: token });
  const response = await fetch(`${stack.authUrl}/v1/auth/refresh`, { method: "POST", body });
  return (await response.json()) as Login;
}

/** A handshake with nothing but a refresh token: its status, and the access token that it was given. */
async function handshake(refreshToken: string): Promise<{ readonly status: number; readonly token: string }> {
  const headers = { cookie: `refresh_token=${refreshToken}` };
  await using stream = await openEventStream(`${stack.streamUrl}/v1/stream?topic=push.>`, { headers });
  const [, token = ""] = /^auth_token=([^;]*)/.exec(stream.headers["set-cookie"]?.[0] ?? "") ?? [];
  return { status: stream.status, token };
}

describe("a refresh token that was stolen", () => {
  test("and spent long ago ends its family at a handshake, streams included", async () => {
    const first = await stack.login("bob");
    const second = await refresh(first.refresh_token);
    const third = await refresh(second.refresh_token);
    const headers = { authorization: `Bearer ${third.access_token}` };
    await using open = await openEventStream(`${stack.streamUrl}/v1/stream?topic=push.>`, { headers });
    await open.frame("ready");
    expect((await handshake(first.refresh_token)).status).toBe(401);
    expect(await open.frame("auth_error")).toMatchObject({ data: expect.stringContaining("revoked") });
    expect(await refresh(third.refresh_token)).toMatchObject({ code: "session_ended" });
    const reuses = async () =>
      (await readAudit(stack.nats, "demo")).filter(({ sid, event }) => sid === first.session_id && event === "reused");
    await expect.poll(reuses).toHaveLength(1);
  });

  test("and is live gets one access token a minute, however often it is presented, and the audit names it", async () => {
    const { refresh_token, session_id } = await stack.login("bob");
    const given = await Promise.all(Array.from({ length: 6 }, () => handshake(refresh_token)));
    expect(given.map(({ status }) => status)).toEqual(Array(6).fill(200));
    const claims = given.map(({ token }) => decodeJwt(token));
    expect(new Set(claims.map(({ jti, exp }) => `${jti} ${exp}`)).size).toBe(1);
    const renewed = async () =>
      (await readAudit(stack.nats, "demo")).filter(({ sid, event }) => sid === session_id && event === "renewed");
    await waitFor("the renewal is audited", async () => (await renewed()).length > 0);
    expect(await renewed()).toHaveLength(1);
  });
});

test("an access token that a handshake was given opens streams, and nothing else", async () => {
  const { refresh_token } = await stack.login("carol");
  const { token } = await handshake(refresh_token);
  const headers = { authorization: `Bearer ${token}` };
  await using stream = await openEventStream(`${stack.streamUrl}/v1/stream?topic=push.>`, { headers });
  await stream.frame("ready");
  for (const [method, url] of [
    ["GET", `${stack.authUrl}/v1/auth/sessions`],
    ["POST", `${stack.authUrl}/v1/auth/logout`],
    ["GET", `${stack.policyUrl}/v1/tenants/demo/policy`],
    ["GET", `${stack.policyUrl}/v1/tenants`],
  ] as const) {
    const response = await fetch(url, { method, headers });
    expect([url, response.status, await response.json()]).toMatchObject([url, 401, { code: "token_for_streams" }]);
  }
});

describe("a session that is over", () => {
  test("writes nothing: no log entry, no record, no audit entry, by whatever its tokens are sent to", async () => {
    const { access_token, refresh_token, session_id } = await stack.login("bob");
    const cookie = `refresh_token=${refresh_token}`;
    const bearer = { authorization: `Bearer ${access_token}` };
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const send = (method: string, path: string, headers: Record<string, string>, body?: string) =>
      fetch(`${stack.authUrl}/v1/auth/${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
    expect((await send("POST", "logout", bearer)).status).toBe(204);
    const written = async () => {
      const { streams } = await (await stack.bus("policy")).manager();
      const names = ["EVENTS_demo", "KV_sluice_revoked", "AUDIT"];
      return Promise.all(names.map(async (name) => (await streams.info(name)).state.last_seq));
    };
    const isAudited = async () =>
      (await readAudit(stack.nats, "demo")).some(({ sid, event }) => sid === session_id && event === "revoked");
    await waitFor("the end is audited", isAudited);
    const before = await written();
    for (let round = 0; round < 5; round += 1) {
      await Promise.all([
        send("POST", "logout", bearer),
        send("POST", "logout", { cookie }),
        send("DELETE", `sessions/${session_id}`, bearer),
        send("GET", "sessions", bearer),
        send("POST", "refresh", { cookie }),
        send("POST", "revoke", form, `token=${access_token}`),
        send("POST", "revoke", form, `token=${refresh_token}`),
        send("POST", "token", form, `grant_type=refresh_token&refresh_token=${refresh_token}`),
        handshake(refresh_token),
      ]);
    }
    expect(await written()).toEqual(before);
  });

  test.each([
    ["GET", "/v1/clients"],
    ["GET", "/v1/clients/tab-1/topics"],
    ["DELETE", "/v1/clients/tab-1/topics"],
    ["GET", "/v1/subscriptions"],
  ])("reads and forgets nothing that is kept at the edge: %s %s", async (method, path) => {
    const { access_token } = await stack.login("bob");
    const headers = { authorization: `Bearer ${access_token}` };
    await requireOk(fetch(`${stack.authUrl}/v1/auth/logout`, { method: "POST", headers }));
    const response = await fetch(stack.streamUrl + path, { method, headers });
    expect([response.status, await response.json()]).toMatchObject([401, { code: "session_ended" }]);
  });

  test("is written once, however many ask for its end at once", async () => {
    const { access_token, session_id } = await stack.login("bob");
    const headers = { authorization: `Bearer ${access_token}` };
    const logOut = () => fetch(`${stack.authUrl}/v1/auth/logout`, { method: "POST", headers });
    const answers = await Promise.all(Array.from({ length: 20 }, logOut));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([204]));
    const audited = async () => {
      const entries = (await readAudit(stack.nats, "demo")).filter(({ sid }) => sid === session_id);
      return entries.map(({ event }) => event);
    };
    await expect.poll(audited).toEqual(["login", "revoked"]);
    const announced = await readSessionEntries(stack.nats, "demo");
    expect(announced.filter((entry) => (entry as { sid?: string }).sid === session_id)).toHaveLength(1);
  });
});

describe("a version that nobody announced", () => {
  test("ends no tenant, and does not keep its real end from counting", async () => {
    const sessions = new SessionServiceClient(`127.0.0.1:${stack.auth.ports.grpc}`, credentials.createInsecure());
    const [end, restart] = [sessions.endTenant.bind(sessions), sessions.restartTenant.bind(sessions)];
    for (const version of [1, 7, Number.MAX_SAFE_INTEGER]) {
      const call = callUnary(end, { tenant: "rival", version }, { timeoutMs: 30_000 });
      await expect(call).rejects.toThrow("does not say that this tenant is deleted");
      await callUnary(restart, { tenant: "rival", version }, { timeoutMs: 30_000 });
    }
    const { access_token } = await stack.login("mallory", "rival");
    const headers = { authorization: `Bearer ${access_token}` };
    const list = () => fetch(`${stack.authUrl}/v1/auth/sessions`, { headers });
    expect((await list()).status).toBe(200);
    expect((await stack.operate("DELETE", "rival?confirm=rival")).status).toBe(202);
    expect((await list()).status).toBe(401);
    const again = callUnary(restart, { tenant: "rival", version: Number.MAX_SAFE_INTEGER }, { timeoutMs: 30_000 });
    await expect(again).rejects.toThrow("says that this tenant is deleted");
    sessions.close();
  });

  test("is asked of policy in vain: each call says so at once, and a thousand hold up nobody", async () => {
    const policy = new DecisionServiceClient(`127.0.0.1:${stack.policy.ports.grpc}`, credentials.createInsecure());
    const atLeast = { number: Number.MAX_SAFE_INTEGER, build: "x" };
    const subjects = [{ id: "bob", roles: [], groups: [] }];
    const resolve = policy.resolve.bind(policy);
    const calls = Array.from({ length: 1_000 }, () =>
      callUnary(resolve, { tenant: "demo", subjects, atLeast }, { timeoutMs: 30_000 }).then(
        () => "answered",
        (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
      ),
    );
    const good = callUnary(resolve, { tenant: "demo", subjects, atLeast: undefined }, { timeoutMs: 30_000 });
    expect(new Set(await Promise.all(calls))).toEqual(new Set([expect.stringContaining("has not arrived here yet")]));
    expect((await good).version?.number).toBeGreaterThan(0);
    policy.close();
  });
});
