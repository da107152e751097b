import { credentials } from "@grpc/grpc-js";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AuthorizationClient } from "#proto/envoy/service/auth/v3/external_auth.ts";
import { callUnary } from "#shared/grpc/call-unary.ts";
import { openEventStream } from "#test/support/event-stream.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";

let stack: Stack;
let demo: Bus;
let gateway: AuthorizationClient;

beforeAll(async () => {
  stack = await startStack();
  demo = await stack.bus("demo");
  gateway = new AuthorizationClient(`127.0.0.1:${stack.policy.ports.grpc}`, credentials.createInsecure());
});
afterAll(async () => {
  gateway.close();
  await stack[Symbol.asyncDispose]();
});

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly scope?: string;
}

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function call(method: string, url: string, token: string | undefined, body?: object): Promise<Answer> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(url, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  const text = await response.text();
  return { status: response.status, body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>) };
}

/** A login of carol, who may do everything. */
async function logIn(scope?: string): Promise<Tokens> {
  const body = { tenant: "demo", username: "carol", password: "sluice-demo", ...(scope !== undefined && { scope }) };
  return (await call("POST", `${stack.authUrl}/v1/auth/login`, undefined, body)).body as unknown as Tokens;
}

const refresh = (token: string, scope?: string): Promise<Answer> =>
  call("POST", `${stack.authUrl}/v1/auth/refresh`, undefined, {
    refresh_token: token,
    ...(scope !== undefined && { scope }),
  });

const readPolicy = (token: string): Promise<Answer> => call("GET", `${stack.policyUrl}/v1/tenants/demo/policy`, token);

async function passGateway(token: string, path: string): Promise<number | undefined> {
  const http = { method: "GET", path, host: "h", headers: { authorization: `Bearer ${token}` } };
  return (await callUnary(gateway.check.bind(gateway), { attributes: { request: { http } } }, { timeoutMs: 30_000 }))
    .status?.code;
}

async function openStream(token: string, query = "topic=issues.>&topic=push.>") {
  const stream = await openEventStream(`${stack.streamUrl}/v1/stream?${query}`, { token });
  if (stream.status !== 200) return { stream, id: "" };
  const ready = JSON.parse((await stream.frame("ready")).data) as { connectionId: string };
  return { stream, id: ready.connectionId };
}

describe("a token with a scope", () => {
  const SCOPE = "issues:read@issues.*.Hello-World";

  test("gets of its person's events those of the scope, whatever else its person may see", async () => {
    const { access_token: token, scope } = await logIn(SCOPE);
    expect(scope).toBe(SCOPE);
    const { stream } = await openStream(token);
    await using opened = stream;
    expect(JSON.parse((await opened.frame("ready")).data)).toMatchObject({
      topics: [
        { topic: "issues.>", granted: true },
        { topic: "push.>", granted: false },
      ],
    });
    await demo.publish("events.demo.push.event.Hello-World", "another permission");
    await demo.publish("events.demo.issues.opened.Other", "another topic");
    await demo.publish("events.demo.issues.opened.Hello-World", "in the scope");
    expect(await opened.receive(1)).toEqual(["in the scope"]);
  });

  test("neither reads the policy, nor passes a gateway, nor sees sessions, where its scope does not say so", async () => {
    const [wide, narrow] = [await logIn(), await logIn(SCOPE)];
    const sessions = (token: string) => call("GET", `${stack.authUrl}/v1/auth/sessions`, token);
    expect([(await readPolicy(wide.access_token)).status, (await sessions(wide.access_token)).status]).toEqual([
      200, 200,
    ]);
    expect(await readPolicy(narrow.access_token)).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect(await sessions(narrow.access_token)).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect(await passGateway(narrow.access_token, "/repos/Hello-World/issues")).toBe(0);
    expect(await passGateway(narrow.access_token, "/repos/Other/issues")).toBe(7);
    expect(await passGateway(narrow.access_token, "/repos/Hello-World/pulls")).toBe(7);
  });

  test("is never widened by a refresh, and narrower tokens leave the session as it is", async () => {
    const first = await logIn("issues:read push:read");
    const narrower = await refresh(first.refresh_token, "push:read");
    expect(narrower).toMatchObject({ status: 200, body: { scope: "push:read" } });
    const token = String(narrower.body["refresh_token"]);
    for (const scope of ["issues:read push:read policy:admin", "*:*", "push:read@push.> policy:admin"]) {
      expect(await refresh(token, scope)).toMatchObject({ status: 400, body: { code: "scope_invalid" } });
    }
    expect(await refresh(token, "openid")).toMatchObject({ status: 400, body: { code: "scope_invalid" } });
    expect(await refresh(token)).toMatchObject({ status: 200, body: { scope: "issues:read push:read" } });
  });

  test("that is malformed gets no login", async () => {
    const body = { tenant: "demo", username: "carol", password: "sluice-demo", scope: "" };
    const refused = await call("POST", `${stack.authUrl}/v1/auth/login`, undefined, body);
    expect(refused).toMatchObject({ status: 400, body: { code: "scope_invalid" } });
  });

  test("narrows an open stream that goes on by it", async () => {
    const { stream, id } = await openStream((await logIn()).access_token);
    await using opened = stream;
    const { access_token: token } = await logIn(SCOPE);
    expect((await call("POST", `${stack.streamUrl}/v1/streams/${id}/token`, token)).status).toBe(200);
    await demo.publish("events.demo.push.event.Hello-World", "not any more");
    await demo.publish("events.demo.issues.opened.Hello-World", "still");
    expect(await opened.receive(1)).toEqual(["still"]);
  });
});

test("a durable subscription is lost to no token with a scope that leaves out a part of it", async () => {
  const [wide, narrow] = [(await logIn()).access_token, (await logIn("issues:read")).access_token];
  const define = (name: string, topics: string[]) =>
    call("PUT", `${stack.streamUrl}/v1/subscriptions/${name}`, wide, { topics });
  await define("whole", ["issues.>", "push.>"]);
  await define("part", ["issues.>"]);
  await demo.publish("events.demo.push.event.k", "for who may see it");
  expect((await openStream(narrow, "subscription=whole&takeover=true")).stream.status).toBe(403);
  const { stream, id } = await openStream(wide, "subscription=whole");
  await using opened = stream;
  expect(await opened.receive(1)).toEqual(["for who may see it"]);
  expect(await call("POST", `${stack.streamUrl}/v1/streams/${id}/token`, narrow)).toMatchObject({ status: 403 });
  await using within = (await openStream(narrow, "subscription=part")).stream;
  expect(within.status).toBe(200);
});

test("a durable subscription is changed by no token that may not open it, whether it is attached or not", async () => {
  const [wide, narrow] = [(await logIn()).access_token, (await logIn("issues:read")).access_token];
  const callOn = (name: string, token: string, method: string, path = "", body?: object) =>
    call(method, `${stack.streamUrl}/v1/subscriptions/${name}${path}`, token, body);
  await callOn("theirs", wide, "PUT", "", { topics: ["issues.>", "push.>"] });
  await callOn("shared", wide, "PUT", "", { topics: ["issues.>"] });
  const tryAll = (name: string) =>
    Promise.all(
      [
        callOn(name, narrow, "GET"),
        callOn(name, narrow, "PUT", "", { topics: ["issues.>"] }),
        callOn(name, narrow, "POST", "/pause"),
        callOn(name, narrow, "POST", "/resume"),
        callOn(name, narrow, "POST", "/acks", { ids: ["a.1.b"] }),
        callOn(name, narrow, "POST", "/nacks", { ids: ["a.1.b"] }),
        callOn(name, narrow, "POST", "/dead/redeliver", { all: true }),
        callOn(name, narrow, "POST", "/dead/drop", { all: true }),
        callOn(name, narrow, "GET", "/dead"),
      ].map(async (answer) => (await answer).status),
    );
  const refused = Array.from({ length: 9 }, () => 403);
  expect([await tryAll("theirs"), (await callOn("theirs", narrow, "DELETE")).status]).toEqual([refused, 403]);
  await using opened = (await openStream(wide, "subscription=theirs")).stream;
  expect([await tryAll("theirs"), (await callOn("theirs", narrow, "DELETE")).status]).toEqual([refused, 403]);
  expect(opened.status).toBe(200);
  expect(await tryAll("shared")).toEqual([200, 200, 200, 200, 204, 204, 200, 200, 200]);
  expect((await callOn("shared", narrow, "DELETE")).status).toBe(204);
  expect((await callOn("theirs", wide, "GET")).body).toMatchObject({ state: "active" });
});

/** What a form to one of auth's OAuth endpoints is answered, asked by a service client or by nobody. */
async function ask(endpoint: "introspect" | "revoke", token: string): Promise<Answer> {
  const authorization = `Basic ${Buffer.from("reporter:sluice-demo").toString("base64")}`;
  const headers = endpoint === "introspect" ? { authorization } : {};
  const body = new URLSearchParams({ token });
  const response = await fetch(`${stack.authUrl}/v1/auth/${endpoint}`, { method: "POST", headers, body });
  const text = await response.text();
  return { status: response.status, body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>) };
}

test("a token for streams alone is none for a service that introspects it, and ends no session", async () => {
  const { refresh_token: refreshToken, access_token: own } = await logIn();
  const cookie = `refresh_token=${refreshToken}`;
  const headers = { cookie, accept: "text/event-stream" };
  await using stream = await openEventStream(`${stack.streamUrl}/v1/stream?topic=issues.>`, { headers });
  const [given = ""] = stream.headers["set-cookie"] ?? [];
  const token = /auth_token=([^;]+)/.exec(given)?.[1] ?? "";
  expect(decodeJwt(token)["purpose"]).toBe("stream");
  expect(await ask("introspect", token)).toEqual({ status: 200, body: { active: false } });
  expect(await ask("revoke", token)).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
  expect((await ask("introspect", own)).body).toMatchObject({ active: true });
});

describe("a token that is bound to a stream", () => {
  const bind = (id: string, token: string): Promise<Answer> =>
    call("POST", `${stack.streamUrl}/v1/streams/${id}/token`, token, { bound: true });

  async function bound() {
    const { access_token: own } = await logIn();
    const { stream, id } = await openStream(own);
    const { status, body } = await bind(id, own);
    return { status, own, stream, id, token: String(body["access_token"]) };
  }

  test("is good for that one, also for the next such token, and for nothing else anywhere", async () => {
    const { status, stream, id, token } = await bound();
    await using opened = stream;
    expect([status, decodeJwt(token)["context_id"]]).toEqual([200, id]);
    expect((await bind(id, token)).status).toBe(200);

    const other = await openStream((await logIn()).access_token);
    await using _elsewhere = other.stream;
    expect(await bind(other.id, token)).toMatchObject({ status: 401, body: { code: "token_bound" } });
    await using refused = (await openStream(token)).stream;
    expect(refused.status).toBe(401);
    expect(await readPolicy(token)).toMatchObject({ status: 401, body: { code: "token_bound" } });
    expect(await passGateway(token, "/repos/Hello-World/issues")).toBe(16);
    for (const [method, path] of [
      ["GET", "sessions"],
      ["DELETE", `sessions/${String(decodeJwt(token)["sid"])}`],
      ["POST", "logout"],
    ] as const) {
      const answer = await call(method, `${stack.authUrl}/v1/auth/${path}`, token);
      expect(answer).toMatchObject({ status: 401, body: { code: "token_bound" } });
    }

    expect(await ask("introspect", token)).toEqual({ status: 200, body: { active: false } });
    expect(await ask("revoke", token)).toMatchObject({ status: 400, body: { error: "invalid_grant" } });

    await demo.publish("events.demo.issues.opened.Hello-World", "goes on");
    expect(await opened.receive(1)).toEqual(["goes on"]);
  });

  test("keeps the scope of the token that it was issued for", async () => {
    const { access_token: own } = await logIn("issues:read");
    const { stream, id } = await openStream(own);
    await using _opened = stream;
    const { body } = await bind(id, own);
    expect(decodeJwt(String(body["access_token"]))["scope"]).toBe("issues:read");
  });

  test("is worth nothing once its session has ended", async () => {
    const { own, stream, id, token } = await bound();
    await using opened = stream;
    expect((await call("POST", `${stack.authUrl}/v1/auth/logout`, own)).status).toBe(204);
    expect(JSON.parse((await opened.frame("auth_error")).data)).toEqual({ reason: "revoked" });
    expect(await bind(id, token)).toMatchObject({ status: 401, body: { code: "session_ended" } });
  });
});
