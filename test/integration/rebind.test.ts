import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type EventStream, openEventStream } from "#test/support/event-stream.ts";
import { freeze } from "#test/support/freeze.ts";
import { requireOk } from "#test/support/require-ok.ts";
import { type Issuer, startIssuer } from "#test/support/start-issuer.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import type { RunningService } from "#test/support/start-service.ts";

interface Person {
  readonly sub?: string;
  readonly roles?: readonly string[];
  readonly exp?: number;
}

let folder: string;
let issuer: Issuer;
let stack: Stack;
let edge: RunningService;
let demo: Bus;

beforeAll(async () => {
  issuer = await startIssuer();
  folder = await mkdtemp(join(tmpdir(), "sluice-issuers-"));
  stack = await startStack({ policy: { POLICY_DOCUMENTS_DIR: await writePolicies(join(folder, "policies")) } });
  const file = join(folder, "issuers.yaml");
  const entry = { issuer: "https://login.example.com", jwks_uri: issuer.jwksUri, audience: "api", tenant: "demo" };
  await writeFile(file, JSON.stringify([{ ...entry, algorithms: ["ES256"], claims: { roles: "roles" } }]));
  edge = await stack.startEdge({ AUTH_ISSUERS_FILE: file });
  demo = await stack.bus("demo");
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** The demo's policies, where the outside issuer says which roles its people have. */
async function writePolicies(path: string): Promise<string> {
  await cp(new URL("../../infra/policies", import.meta.url), path, { recursive: true });
  const document = await readFile(join(path, "demo.yaml"), "utf8");
  const trust = 'trust:\n  - { issuer: "https://login.example.com", roles: true }\n';
  await writeFile(join(path, "demo.yaml"), document.replace("trust:\n", trust));
  return path;
}

let now: number;
beforeEach(() => void (now = Math.floor(Date.now() / 1_000)));

/** A token of an outside issuer, whose key is in the test's hands and whose claims are what counts. */
function sign({ sub = "zed", roles = ["maintainer"], exp = now + 280 }: Person = {}) {
  return issuer.sign({ iss: "https://login.example.com", aud: "api", sub, roles, iat: now, exp });
}

function baseUrl(): string {
  return `http://127.0.0.1:${edge.ports.http}`;
}

async function open(token: string): Promise<{ stream: EventStream; id: string }> {
  const stream = await openEventStream(`${baseUrl()}/v1/stream?topic=issues.>&topic=push.>`, { token });
  const { connectionId } = JSON.parse((await stream.frame("ready")).data) as { connectionId: string };
  return { stream, id: connectionId };
}

async function rebind(id: string, body: unknown, headers: Record<string, string> = {}, base = baseUrl()) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(`${base}/v1/streams/${id}/token`, { method: "POST", headers, body: text });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test("a new token of the same person prolongs the stream, which is told so and goes on", async () => {
  const { stream, id } = await open(await sign({ exp: now + 150 }));
  await using _stream = stream;
  const answer = await rebind(id, { access_token: await sign({ exp: now + 250 }) });
  expect(answer.status).toBe(200);
  const until = Date.parse(String(answer.body["expiresAt"]));
  // The time that the answers took is taken off.
  expect(until).toBeGreaterThan((now + 200) * 1_000);
  expect(until).toBeLessThanOrEqual((now + 251) * 1_000);
  expect(JSON.parse((await stream.frame("session")).data)).toEqual(answer.body);
  await demo.publish("events.demo.push.event.k", "after");
  expect(await stream.receive(1)).toEqual(["after"]);
});

test("narrower rights are in force from the answer on, wider ones too", async () => {
  const { stream, id } = await open(await sign());
  await using _stream = stream;
  expect((await rebind(id, { access_token: await sign({ roles: ["triager"] }) })).status).toBe(200);
  await demo.publish("events.demo.push.event.k", "not for a triager");
  await demo.publish("events.demo.issues.opened.k", "for both");
  expect(await stream.receive(1)).toEqual(["for both"]);
  const told = await stream.frame("subscription");
  expect(JSON.parse(told.data).topics).toEqual([
    { topic: "issues.>", granted: true },
    { topic: "push.>", granted: false },
  ]);
  expect((await rebind(id, { access_token: await sign() })).status).toBe(200);
  await demo.publish("events.demo.push.event.k", "again");
  expect(await stream.receive(2)).toEqual(["for both", "again"]);
});

test("the new session ends the stream from then on, and the old one no longer", async () => {
  const [first, second] = [await stack.login("bob"), await stack.login("bob")];
  const stream = await openEventStream(`${stack.streamUrl}/v1/stream?topic=push.>`, { token: first.access_token });
  await using _stream = stream;
  const { connectionId } = JSON.parse((await stream.frame("ready")).data) as { connectionId: string };
  const response = await fetch(`${stack.streamUrl}/v1/streams/${connectionId}/token`, {
    method: "POST",
    headers: { authorization: `Bearer ${first.access_token}` },
    body: JSON.stringify({ access_token: second.access_token }),
  });
  expect(response.status).toBe(200);
  const logOut = (token: string) =>
    fetch(`${stack.authUrl}/v1/auth/logout`, { method: "POST", headers: { authorization: `Bearer ${token}` } });
  await logOut(first.access_token);
  await demo.publish("events.demo.push.event.k", "still here");
  expect(await stream.receive(1)).toEqual(["still here"]);
  await logOut(second.access_token);
  expect(JSON.parse((await stream.frame("auth_error")).data)).toEqual({ reason: "revoked" });
  await stream.closed();
});

test("a token whose session has ended is refused, and the stream goes on as it was", async () => {
  const { access_token: mine } = await stack.login("bob");
  const { access_token: ended } = await stack.login("bob");
  await using stream = await openEventStream(`${stack.streamUrl}/v1/stream?topic=push.>`, { token: mine });
  const { connectionId } = JSON.parse((await stream.frame("ready")).data) as { connectionId: string };
  await requireOk(
    fetch(`${stack.authUrl}/v1/auth/logout`, { method: "POST", headers: { authorization: `Bearer ${ended}` } }),
  );
  const response = await fetch(`${stack.streamUrl}/v1/streams/${connectionId}/token`, {
    method: "POST",
    body: JSON.stringify({ access_token: ended }),
  });
  expect(response.status).toBe(401);
  expect(await response.json()).toMatchObject({ code: "session_ended" });
  await demo.publish("events.demo.push.event.k", "goes on");
  expect(await stream.receive(1)).toEqual(["goes on"]);
});

test("another person's connection is as good as none, and another person's token is refused", async () => {
  const mine = await sign();
  const { stream, id } = await open(mine);
  await using _stream = stream;
  const { access_token: rival } = await stack.login("mallory", "rival");
  for (const other of [await sign({ sub: "alice" }), rival]) {
    expect(await rebind(id, { access_token: other })).toMatchObject({ status: 404, body: { code: "not_found" } });
    const answer = await rebind(id, { access_token: other }, { authorization: `Bearer ${mine}` });
    expect(answer).toMatchObject({ status: 403, body: { code: "forbidden" } });
    const stolen = await rebind(id, { access_token: mine }, { authorization: `Bearer ${other}` });
    expect(stolen).toMatchObject({ status: 403, body: { code: "forbidden" } });
  }
});

test("a connection that is over, or of an edge that is gone, is as good as none", async () => {
  const access_token = await sign();
  const gone = await rebind(`000000000000-${"0".repeat(24)}`, { access_token });
  expect(gone).toMatchObject({ status: 404, body: { detail: "there is no such connection" } });
  const { stream, id } = await open(access_token);
  await stream[Symbol.asyncDispose]();
  await expect
    .poll(async () => (await rebind(id, { access_token })).body["detail"])
    .toBe("there is no such connection");
});

describe("at another edge than the one that holds the connection", () => {
  let elsewhere: RunningService;
  beforeAll(async () => {
    elsewhere = await stack.startEdge({ AUTH_ISSUERS_FILE: join(folder, "issuers.yaml") });
  });

  function rebindThere(id: string, body: unknown, headers: Record<string, string> = {}) {
    return rebind(id, body, headers, `http://127.0.0.1:${elsewhere.ports.http}`);
  }

  test("a stream is rebound all the same, and the new rights are in force from the answer on", async () => {
    const { stream, id } = await open(await sign({ exp: now + 150 }));
    await using _stream = stream;
    const answer = await rebindThere(id, { access_token: await sign({ exp: now + 250, roles: ["triager"] }) });
    expect(answer.status).toBe(200);
    expect(JSON.parse((await stream.frame("session")).data)).toEqual(answer.body);
    await demo.publish("events.demo.push.event.k", "not for a triager");
    await demo.publish("events.demo.issues.opened.k", "for both");
    expect(await stream.receive(1)).toEqual(["for both"]);
  });

  test("it is another person's connection all the same", async () => {
    const mine = await sign();
    const { stream, id } = await open(mine);
    await using _stream = stream;
    const { access_token: rival } = await stack.login("mallory", "rival");
    for (const other of [await sign({ sub: "alice" }), rival]) {
      expect(await rebindThere(id, { access_token: other })).toMatchObject({
        status: 404,
        body: { code: "not_found" },
      });
      const answer = await rebindThere(id, { access_token: other }, { authorization: `Bearer ${mine}` });
      expect(answer).toMatchObject({ status: 403, body: { code: "forbidden" } });
    }
  });

  test("a token whose session has ended is refused there", async () => {
    const { access_token: mine } = await stack.login("bob");
    const { access_token: ended } = await stack.login("bob");
    const { stream, id } = await open(mine);
    await using _stream = stream;
    await requireOk(
      fetch(`${stack.authUrl}/v1/auth/logout`, { method: "POST", headers: { authorization: `Bearer ${ended}` } }),
    );
    expect(await rebindThere(id, { access_token: ended })).toMatchObject({
      status: 401,
      body: { code: "session_ended" },
    });
  });

  test("an edge that does not answer is told as unavailable, and one that was killed as none", async () => {
    const dying = await stack.startEdge();
    const { access_token } = await stack.login("bob");
    const url = `http://127.0.0.1:${dying.ports.http}/v1/stream?topic=push.>`;
    await using stream = await openEventStream(url, { token: access_token });
    const { connectionId } = JSON.parse((await stream.frame("ready")).data) as { connectionId: string };
    await freeze(dying.child.process);
    const slow = await stack.startEdge({ STREAM_HANDSHAKE_MS: "100" });
    const answer = await rebind(connectionId, { access_token }, {}, `http://127.0.0.1:${slow.ports.http}`);
    expect(answer).toMatchObject({ status: 503, body: { code: "unavailable" } });
    await dying.child.end("SIGKILL");
    await expect.poll(async () => (await rebindThere(connectionId, { access_token })).status).toBe(404);
  });
});

test("the request's own token serves where the body has none; a cookie only from a trusted page", async () => {
  const token = await sign();
  const { stream, id } = await open(token);
  await using _stream = stream;
  expect((await rebind(id, "", { authorization: `Bearer ${token}` })).status).toBe(200);
  expect((await rebind(id, "", { cookie: `auth_token=${token}` })).status).toBe(200);
  const foreign = { cookie: `auth_token=${token}`, origin: "https://evil.example" };
  expect(await rebind(id, "", foreign)).toMatchObject({ status: 403, body: { code: "cross_site" } });
  expect((await rebind(id, "", {})).body).toMatchObject({ code: "token_missing" });
});

test("bodies that are too large, no JSON or of another shape are refused, and so are other methods", async () => {
  const { stream, id } = await open(await sign());
  await using _stream = stream;
  expect(await rebind(id, { access_token: "a".repeat(65_536) })).toMatchObject({ status: 401 });
  expect(await rebind(id, { access_token: "a".repeat(98_304) })).toMatchObject({ status: 413 });
  for (const body of ["{", "[]", '{"access_token":7}', '{"access_token":""}', '{"token":"x"}', "null"]) {
    expect(await rebind(id, body)).toMatchObject({ status: 400, body: { code: "malformed_request" } });
  }
  expect(await rebind(id, { access_token: "garbage" })).toMatchObject({ status: 401, body: { code: "token_invalid" } });
  const response = await fetch(`${baseUrl()}/v1/streams/${id}/token`);
  expect([response.status, response.headers.get("allow")]).toEqual([405, "POST, OPTIONS"]);
});
