import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEventStream } from "#test/support/event-stream.ts";
import { readAudit } from "#test/support/start-auth.ts";
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
    const entries = (await readAudit(stack.nats, "demo")).filter(({ sid }) => sid === first.session_id);
    expect(entries.filter(({ event }) => event === "reused")).toHaveLength(1);
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
