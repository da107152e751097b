import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEventStream } from "#test/support/event-stream.ts";
import { type Login, type Stack, startStack } from "#test/support/start-stack.ts";

const APP = "capacitor://localhost";
const TOPIC = "topic=push.>";

let stack: Stack;
let bob: Login;
let carol: Login;

beforeAll(async () => {
  const env = { AUTH_ISSUER: "https://auth.sluice.example" };
  const origins = `${APP}/, https://app.example/`;
  stack = await startStack({
    auth: { ...env, AUTH_ALLOWED_ORIGINS: origins, AUTH_TENANT_HOSTS: "*.sluice.example=*, 127.0.0.1=demo" },
    policy: { ...env, POLICY_ALLOWED_ORIGINS: origins },
    stream: { ...env, STREAM_ALLOWED_ORIGINS: origins },
  });
  [bob, carol] = await Promise.all([stack.login("bob"), stack.login("carol")]);
});
afterAll(() => stack[Symbol.asyncDispose]());

type Headers = Readonly<Record<string, string>>;

function open(cookie: string, headers: Headers = {}) {
  return openEventStream(`${stack.streamUrl}/v1/stream?${TOPIC}`, { headers: { cookie, ...headers } });
}

/** Who a stream by these cookies is for; the status where there is none. */
async function listenerBy(cookie: string): Promise<unknown> {
  await using stream = await open(cookie);
  if (stream.status !== 200) return stream.status;
  return (JSON.parse((await stream.frame("ready")).data) as { subject: string }).subject;
}

/** Asks auth; unlike with fetch, `Host` may be chosen. */
async function ask(method: string, path: string, headers: Headers, body?: object): Promise<Response> {
  const request = httpRequest(`${stack.authUrl}/v1/auth/${path}`, { method, headers, agent: false });
  request.end(body === undefined ? "" : JSON.stringify(body));
  const [answer] = (await once(request, "response")) as [IncomingMessage];
  const { "set-cookie": cookies = [], ...others } = answer.headers;
  const told = Object.entries(others).map(([name, value]): [string, string] => [name, String(value)]);
  const all = told.concat(cookies.map((value): [string, string] => ["set-cookie", value]));
  const content = await text(answer);
  return new Response(answer.statusCode === 204 ? null : content, { status: answer.statusCode ?? 500, headers: all });
}

async function codeOf(answer: Promise<Response>): Promise<string> {
  const response = await answer;
  return response.ok ? String(response.status) : ((await response.json()) as { code: string }).code;
}

const logIn = (headers: Headers, more: object = { tenant: "demo" }, username = "bob"): Promise<Response> =>
  ask("POST", "login", headers, { username, password: "sluice-demo", ...more });

describe("a Host that names this machine", () => {
  test("takes neither Secure nor __Host- off the cookies", async () => {
    const answer = await logIn({ host: "127.0.0.1" });
    const [access, refresh] = answer.headers.getSetCookie();
    expect(access).toMatch(/^__Host-auth_token=[^;]+; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    expect(refresh).toMatch(/^__Host-refresh_token=[^;]+; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    await using stream = await open(`__Host-refresh_token=${bob.refresh_token}`, { host: "localhost" });
    await stream.frame("ready");
    expect(stream.headers["set-cookie"]).toEqual([
      expect.stringMatching(/^__Host-auth_token=[^;]+; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
    ]);
  });
});

describe("a cookie that a neighbouring host planted", () => {
  const planted = (count: number): string =>
    Array.from(
      { length: count },
      (_, place) => `__Host-auth_token=planted${place}; __Host-refresh_token=planted${place}`,
    )
      .concat("")
      .join("; ");

  test.each([1, 7, 50])("shuts nobody out, among %i of them", async (count) => {
    const cookie = `${planted(count)}__Host-auth_token=${bob.access_token}; __Host-refresh_token=${bob.refresh_token}`;
    expect(await listenerBy(cookie)).toBe("bob");
    expect((await ask("GET", "sessions", { cookie })).status).toBe(200);
    const own = (await (await logIn({})).json()) as Login;
    const refreshed = await ask("POST", "refresh", {
      cookie: `${planted(count)}__Host-refresh_token=${own.refresh_token}`,
    });
    expect(refreshed.status).toBe(200);
  });

  test("does not hinder a renewal where the access cookie is gone", async () => {
    expect(await listenerBy(`__Host-auth_token=planted; __Host-refresh_token=${bob.refresh_token}`)).toBe("bob");
  });

  test("under a name of the last release does not count beside one of today's", async () => {
    const old = `auth_token=${carol.access_token}; refresh_token=${carol.refresh_token}`;
    expect(await listenerBy(`${old}; __Host-auth_token=${bob.access_token}`)).toBe("bob");
    expect(await listenerBy(`${old}; __Host-refresh_token=${bob.refresh_token}`)).toBe("bob");
    expect(await listenerBy(`${old}; __Host-auth_token=broken`)).toBe(401);
  });

  test("with a good token of another person is refused with words, and a logout ends both", async () => {
    const [one, other] = (await Promise.all(
      ["bob", "carol"].map(async (username) => (await logIn({}, { tenant: "demo" }, username)).json()),
    )) as [Login, Login];
    const access = `__Host-auth_token=${one.access_token}; __Host-auth_token=${other.access_token}`;
    const refresh = `__Host-refresh_token=${one.refresh_token}; __Host-refresh_token=${other.refresh_token}`;
    expect([await listenerBy(access), await listenerBy(refresh)]).toEqual([400, 400]);
    expect(await codeOf(ask("GET", "sessions", { cookie: access }))).toBe("conflicting_tokens");
    expect(await codeOf(ask("POST", "refresh", { cookie: refresh }))).toBe("conflicting_tokens");
    expect(await codeOf(ask("POST", "renew", { cookie: refresh }))).toBe("conflicting_tokens");
    expect(await codeOf(ask("POST", "logout", { cookie: `${access}; ${refresh}` }))).toBe("204");
    for (const { refresh_token } of [one, other])
      expect(await codeOf(ask("POST", "refresh", {}, { refresh_token }))).toBe("session_ended");
  });
});

test("an older refresh cookie beside the live one is not taken for theft", async () => {
  const first = (await (await logIn({})).json()) as Login;
  const second = (await (await ask("POST", "refresh", {}, { refresh_token: first.refresh_token })).json()) as Login;
  const third = (await (await ask("POST", "refresh", {}, { refresh_token: second.refresh_token })).json()) as Login;
  const both = `__Host-refresh_token=${third.refresh_token}; __Host-refresh_token=${first.refresh_token}`;
  expect(await listenerBy(both)).toBe("bob");
  expect((await ask("POST", "refresh", { cookie: both })).status).toBe(200);
});

describe("the names of the last release", () => {
  test("still open streams, and a refresh moves both tokens to today's", async () => {
    const old = (await (await logIn({})).json()) as Login;
    expect(await listenerBy(`auth_token=${old.access_token}`)).toBe("bob");
    await using stream = await open(`refresh_token=${old.refresh_token}`);
    await stream.frame("ready");
    // The pair stays together until auth gives both anew.
    expect(stream.headers["set-cookie"]).toEqual([expect.stringMatching(/^auth_token=.*; Secure; SameSite=Lax$/)]);
    const refreshed = await ask("POST", "refresh", { cookie: `refresh_token=${old.refresh_token}` });
    const told = refreshed.headers.getSetCookie().map((value) => value.replace(/=[^;]+;.*/, "").replace(/;.*/, ""));
    expect(told).toEqual(["__Host-auth_token", "__Host-refresh_token", "auth_token=", "refresh_token="]);
  });

  test("are taken back at a logout, together with today's", async () => {
    const { access_token } = (await (await logIn({})).json()) as Login;
    const answer = await ask("POST", "logout", { cookie: `__Host-auth_token=${access_token}` });
    const names = answer.headers.getSetCookie().map((value) => value.replace(/;.*/, ""));
    expect(names).toEqual(["__Host-auth_token=", "__Host-refresh_token=", "auth_token=", "refresh_token="]);
  });
});

describe("an app on the list of origins", () => {
  test.each(["auth", "policy", "edge"] as const)("may send its cookies to %s, and read the answer", async (service) => {
    const url = `http://127.0.0.1:${stack[service].ports.http}`;
    const path = { auth: "/v1/auth/sessions", policy: "/v1/tenants", edge: "/v1/stream" }[service];
    const asked = {
      origin: APP,
      "access-control-request-method": "GET",
      "access-control-request-headers": "last-event-id",
    };
    const preflight = await fetch(url + path, { method: "OPTIONS", headers: asked });
    for (const { headers } of [preflight, await fetch(url + path, { headers: { origin: APP } })]) {
      expect(headers.get("access-control-allow-origin")).toBe(APP);
      expect(headers.get("access-control-allow-credentials")).toBe("true");
    }
  });

  test("logs in and listens; one that is not on it does neither", async () => {
    expect((await logIn({ origin: APP })).status).toBe(200);
    expect(await codeOf(logIn({ origin: "tauri://localhost" }))).toBe("cross_site");
    await using stream = await open(`__Host-auth_token=${bob.access_token}`, { origin: APP });
    await stream.frame("ready");
    expect(stream.headers["access-control-allow-origin"]).toBe(APP);
    await using other = await open(`__Host-auth_token=${bob.access_token}`, { origin: "tauri://localhost" });
    expect(other.status).toBe(403);
  });
});

describe("POST /v1/auth/renew", () => {
  test("gives a new access token for a refresh token that stays as it is", async () => {
    const { refresh_token, session_id } = bob;
    const byBody = await ask("POST", "renew", {}, { refresh_token });
    const answer = (await byBody.json()) as Login & { expires_in: number };
    expect(answer).toMatchObject({ token_type: "Bearer", session_id });
    expect(answer).not.toHaveProperty("refresh_token");
    expect(decodeJwt(answer.access_token)).toMatchObject({ sub: "bob", sid: session_id });
    expect(byBody.headers.getSetCookie()).toEqual([]);
    const byCookie = await ask("POST", "renew", { cookie: `__Host-refresh_token=${refresh_token}` });
    expect(byCookie.headers.getSetCookie()).toEqual([expect.stringMatching(/^__Host-auth_token=[^;]+; Max-Age=/)]);
    expect((await ask("GET", "sessions", { authorization: `Bearer ${answer.access_token}` })).status).toBe(200);
  });

  test("is refused for a forged token, without one, from a foreign page, and after a logout", async () => {
    const { access_token, refresh_token } = (await (await logIn({})).json()) as Login;
    expect(await codeOf(ask("POST", "renew", {}, { refresh_token: `${refresh_token.slice(0, -4)}AAAA` }))).toBe(
      "token_invalid",
    );
    expect(await codeOf(ask("POST", "renew", {}))).toBe("token_missing");
    const evil = { cookie: `__Host-refresh_token=${refresh_token}`, origin: "https://evil.example" };
    expect(await codeOf(ask("POST", "renew", evil))).toBe("cross_site");
    await ask("POST", "logout", { authorization: `Bearer ${access_token}` });
    expect(await codeOf(ask("POST", "renew", {}, { refresh_token }))).toBe("session_ended");
  });
});

describe("a login at the host of a tenant", () => {
  const at = async (host: string, more: object): Promise<number> => (await logIn({ host }, more)).status;

  test("needs no tenant, and may name no other; a forwarded host counts from a trusted proxy alone", async () => {
    expect(await at("demo.sluice.example", {})).toBe(200);
    expect(await at("demo.sluice.example", { tenant: "demo" })).toBe(200);
    expect(await at("demo.sluice.example", { tenant: "rival" })).toBe(403);
    expect(await at("rival.sluice.example", {})).toBe(401);
    expect(await at("elsewhere.example", {})).toBe(400);
    expect(await at("elsewhere.example", { tenant: "demo" })).toBe(200);
    const forwarded = { "x-forwarded-host": "rival.sluice.example" };
    expect((await logIn(forwarded, {})).status).toBe(200);
  });
});
