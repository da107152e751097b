import { request as httpRequest } from "node:http";
import { once } from "node:events";
import { headers as createHeaders } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Publish, publisherAt } from "#test/support/publisher.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { type Stack, startStack } from "#test/support/start-stack.ts";

let stack: Stack;
let publisher: RunningService;
let publish: Publish;
let carol: string;

beforeAll(async () => {
  stack = await startStack();
  publisher = await stack.startPublish();
  publish = publisherAt(publisher);
  ({ access_token: carol } = await stack.login("carol"));
});
afterAll(() => stack[Symbol.asyncDispose]());

const issue = (key: string, more: object = {}) => ({ type: "issues.opened", key, data: 1, ...more });

async function logOf(tenant: string) {
  const manager = await (await stack.bus("policy")).manager();
  const name = `EVENTS_${tenant}`;
  return {
    last: async () => (await manager.streams.info(name)).state.last_seq,
    find: (topic: string) => manager.streams.getMessage(name, { last_by_subj: `events.${tenant}.${topic}` }),
  };
}

test("an event goes into the token's tenant, whatever it calls itself", async () => {
  const { access_token: mallory } = await stack.login("mallory", "rival");
  const [demo, rival] = [await logOf("demo"), await logOf("rival")];
  const before = await demo.last();
  const events = [
    issue("demo", { attributes: { tenant: "demo", source: "/tenants/demo" } }),
    { type: "issues.opened", key: ["../demo", "events.demo.issues.opened"], data: 1 },
  ];
  expect((await publish(mallory, events, { "x-tenant": "demo" })).status).toBe(200);
  expect(await demo.last()).toBe(before);
  expect((await rival.find("issues.opened.demo"))?.string()).toBe("1");
  const refused = await publish(mallory, { type: "demo.issues.opened", data: 1 });
  expect([refused.status, refused.body["code"]]).toEqual([400, "malformed_topic"]);
});

test.each(["*", ">", "a.>", "a.*", "", ".", "a..b", "a b", "a\r\nPUB x", "\u0000", "é", "%2A%", "%2a"])(
  "the key %j names no subject of the bus",
  async (key) => {
    const { status, body } = await publish(carol, issue(key));
    expect([status, body["code"]]).toEqual([400, "malformed_topic"]);
  },
);

test.each([
  ["an attribute named like a header of the bus", { attributes: { "Nats-Rollup": "all" } }],
  ["an attribute with a line end", { attributes: { a: "b\r\nNats-Rollup: all" } }],
  ["an id with a line end", { id: "a\r\nNats-TTL: 1s" }],
  ["attributes that contradict the topic", { attributes: { type: "push.event" } }],
])("%s is refused", async (_what, more) => {
  const { status, body } = await publish(carol, issue("h", more));
  expect([status, body["code"]]).toEqual([400, "malformed_request"]);
});

test("headers of the request that the bus would obey do not reach it", async () => {
  const forged = {
    "Nats-Rollup": "all",
    "Nats-TTL": "1s",
    "Nats-Msg-Id": "stolen",
    "Nats-Expected-Last-Sequence": "0",
    "x-sluice-address": "192.0.2.1",
  };
  for (const send of [publish, publisherAt(stack.edge)]) {
    expect((await send(carol, issue("forged"), forged)).status).toBe(200);
    const stored = await (await logOf("demo")).find("issues.opened.forged");
    expect(stored?.header?.keys().toSorted()).toEqual(["Nats-Msg-Id", "ce-id"]);
    expect(stored?.header?.get("Nats-Msg-Id")).toMatch(/^http-/);
  }
  const binary = {
    "ce-specversion": "1.0",
    "ce-id": "1",
    "ce-source": "/",
    "ce-type": "issues.opened",
    "ce-nats-rollup": "all",
  };
  expect((await publish(carol, "1", binary)).status).toBe(400);
});

test("an id that somebody else used first swallows nobody's event", async () => {
  await stack.setRoles("bob", ["security"]);
  const { access_token: bob } = await stack.login("bob");
  const stolen = issue("theft", { id: "payment-1", data: "mine" });
  expect((await publish(bob, stolen)).body["duplicates"]).toEqual([]);
  const { body } = await publish(carol, { ...stolen, data: "hers" });
  expect(body).toEqual({ ids: ["payment-1"], duplicates: [] });
  expect((await (await logOf("demo")).find("issues.opened.theft"))?.string()).toBe('"hers"');
  const keyed = { "idempotency-key": "K" };
  await publish(bob, issue("theft-2"), keyed);
  expect((await publish(carol, issue("theft-2"), keyed)).body["duplicates"]).toEqual([]);
});

test("a session that has ended publishes nothing, though its token lasts", async () => {
  const { access_token: token } = await stack.login("carol");
  expect((await publish(token, issue("s"))).status).toBe(200);
  const log = await logOf("demo");
  const before = await log.last();
  const out = await fetch(`${stack.authUrl}/v1/auth/logout`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
  });
  expect(out.status).toBe(204);
  for (const send of [publish, publisherAt(stack.edge)]) {
    const { status, body } = await send(token, issue("s"));
    expect([status, body["code"]]).toEqual([401, "session_ended"]);
  }
  // The end of the session is an entry of the log; an event would be another one.
  expect(await log.last()).toBe(before + 1);
});

describe.each(["the publisher", "the edge"])("at %s", (door) => {
  const service = (): RunningService => (door === "the edge" ? stack.edge : publisher);
  const send: Publish = (...request) => publisherAt(service())(...request);

  test("a cookie of a page that is not trusted is refused, one of its own counts", async () => {
    const cookie = { cookie: `auth_token=${carol}` };
    const elsewhere = await send(undefined, issue("c"), { ...cookie, origin: "https://evil.test" });
    expect([elsewhere.status, elsewhere.body["code"]]).toEqual([403, "cross_site"]);
    const crossSite = await send(undefined, issue("c"), { ...cookie, "sec-fetch-site": "cross-site" });
    expect(crossSite.body["code"]).toBe("cross_site");
    const origin = `http://127.0.0.1:${service().ports.http}`;
    expect((await send(undefined, issue("c"), { ...cookie, origin })).status).toBe(200);
  });

  test("a bad token never falls through to the cookie, and none may stand in the URL", async () => {
    const both = await send("nonsense", issue("c"), { cookie: `auth_token=${carol}` });
    expect([both.status, both.body["code"]]).toEqual([401, "token_invalid"]);
    const inUrl = await fetch(`http://127.0.0.1:${service().ports.http}/v1/events?access_token=${carol}`, {
      method: "POST",
      body: "{}",
    });
    expect(inUrl.status).toBe(400);
  });

  test("a body that is too long is refused, with and without its length, and nothing stalls", async () => {
    const long = Buffer.alloc(1_250_000, "[");
    expect((await send(carol, long)).status).toBe(413);
    const chunked = httpRequest({
      host: "127.0.0.1",
      port: service().ports.http,
      path: "/v1/events",
      method: "POST",
      headers: { authorization: `Bearer ${carol}`, "content-type": "application/json", "transfer-encoding": "chunked" },
    });
    chunked.on("error", () => undefined);
    chunked.end(long);
    const [response] = (await once(chunked, "response")) as [{ readonly statusCode: number; resume(): void }];
    response.resume();
    expect(response.statusCode).toBe(413);
    for (const deep of [
      "[".repeat(900_000),
      `{"type":"issues.opened","data":${"[".repeat(400_000)}${"]".repeat(400_000)}}`,
    ]) {
      expect([200, 400, 422]).toContain((await send(carol, deep)).status);
    }
    expect((await send(carol, issue("after"))).status).toBe(200);
  });
});

test("whoever takes over an edge's place on the bus publishes only by tokens that hold", async () => {
  const { connection } = await stack.bus("stream");
  const ask = async (given: Record<string, string>): Promise<string | undefined> => {
    const headers = createHeaders();
    for (const [name, value] of Object.entries({ "content-type": "application/json", ...given }))
      headers.set(name, value);
    const answer = await connection.request("publish.event", JSON.stringify(issue("bus")), {
      headers,
      timeout: 30_000,
    });
    return answer.headers?.get("x-sluice-status");
  };
  expect(await ask({})).toBe("401");
  expect(await ask({ cookie: `auth_token=${carol}` })).toBe("401");
  expect(await ask({ authorization: "Bearer nonsense" })).toBe("401");
  expect(await ask({ authorization: `Bearer ${carol}` })).toBe("200");
});

test("a stranger's body is not read", async () => {
  const request = httpRequest({
    host: "127.0.0.1",
    port: publisher.ports.http,
    path: "/v1/events",
    method: "POST",
    headers: { "content-type": "application/json", "content-length": "1000000" },
  });
  request.on("error", () => undefined);
  request.write("[");
  const [response] = (await once(request, "response")) as [{ readonly statusCode: number; resume(): void }];
  expect(response.statusCode).toBe(401);
  response.resume();
  request.destroy();
});
