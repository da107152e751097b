import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Publish, publisherAt } from "#test/support/publisher.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { openEventStream } from "#test/support/event-stream.ts";
import { freeze, thaw } from "#test/support/freeze.ts";
import { type Stack, startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

const CLOUD_EVENT = { "content-type": "application/cloudevents+json" };
const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

let stack: Stack;
let publisher: RunningService;
let publish: Publish;
let toEdge: Publish;
let carol: string;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-publish-"));
  await writeFile(join(folder, "demo.yaml"), "schemas: { label.created: { type: object, required: [name] } }");
  stack = await startStack();
  publisher = await stack.startPublish({ PUBLISH_SCHEMAS_DIR: folder, REDIS_URL: stack.redis.publishUrl });
  [publish, toEdge] = [publisherAt(publisher), publisherAt(stack.edge)];
  ({ access_token: carol } = await stack.login("carol"));
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const issue = (key: string, more: object = {}) => ({ type: "issues.opened", key, data: { key }, ...more });

async function lastMessage(topic: string) {
  const manager = await (await stack.bus("policy")).manager();
  return manager.streams.getMessage("EVENTS_demo", { last_by_subj: `events.demo.${topic}` });
}

const countOf = async (): Promise<number> => {
  const manager = await (await stack.bus("policy")).manager();
  return (await manager.streams.info("EVENTS_demo")).state.last_seq;
};

describe.each(["the publisher", "the edge"])("an event that is published at %s", (door) => {
  const send: Publish = (...request) => (door === "the edge" ? toEdge : publish)(...request);
  const keyOf = (name: string) => `${name}-${door === "the edge" ? "e" : "p"}`;

  test("is stored when the answer comes, and reaches who may see it", async () => {
    const { access_token: alice } = await stack.login("alice");
    await using stream = await openEventStream(`${stack.streamUrl}/v1/stream?topic=issues.>`, { token: alice });
    await stream.frame("ready");
    const key = keyOf("first");
    const { status, body } = await send(carol, issue(key, { id: key }), { traceparent: TRACE });
    expect([status, body]).toEqual([200, { ids: [key], duplicates: [] }]);
    const stored = await lastMessage(`issues.opened.${key}`);
    expect(stored?.string()).toBe(JSON.stringify({ key }));
    expect([stored?.header?.get("traceparent"), stored?.header?.get("ce-id")]).toEqual([TRACE, key]);
    const frame = await stream.frame(({ data }) => data.includes(key));
    expect(JSON.parse(frame.data)).toEqual({ key });
  });

  test("is stored once, however often it is sent with its id", async () => {
    const event = issue(keyOf("again"), { id: "again" });
    expect((await send(carol, event)).body).toEqual({ ids: ["again"], duplicates: [] });
    const before = await countOf();
    expect((await send(carol, event)).body).toEqual({ ids: ["again"], duplicates: ["again"] });
    const keyed = [issue(keyOf("k1")), issue(keyOf("k2"))];
    const key = { "idempotency-key": keyOf("K") };
    const [first, second] = [await send(carol, keyed, key), await send(carol, keyed, key)];
    expect(second.body["ids"]).toEqual(first.body["ids"]);
    expect(second.body["duplicates"]).toEqual(first.body["ids"]);
    expect(await countOf()).toBe(before + 2);
  });

  test("may be a CloudEvent, structured, as a batch or with its attributes in headers", async () => {
    const id = keyOf("ce");
    const event = { specversion: "1.0", id, source: "/s", type: "issues.closed", subject: keyOf("x"), region: "eu" };
    expect((await send(carol, { ...event, data: [1] }, CLOUD_EVENT)).body).toEqual({ ids: [id], duplicates: [] });
    const stored = await lastMessage(`issues.closed.${keyOf("x")}`);
    expect([stored?.string(), stored?.header?.get("ce-region")]).toEqual(["[1]", "eu"]);
    const batch = { "content-type": "application/cloudevents-batch+json" };
    expect((await send(carol, [event, { ...event, id: `${id}2` }], batch)).body["duplicates"]).toEqual([id]);
    const headers = Object.fromEntries(
      Object.entries({ ...event, id: `${id}3` }).map(([name, value]) => [`ce-${name}`, value]),
    );
    expect((await send(carol, "text", { ...headers, "content-type": "text/plain" })).status).toBe(200);
    expect((await lastMessage(`issues.closed.${keyOf("x")}`))?.string()).toBe("text");
  });

  test("is refused as a whole batch where one of its events is", async () => {
    const before = await countOf();
    const wrong = await send(carol, [issue("a"), { type: "issues.opened", key: "*", data: 1 }]);
    expect([wrong.status, wrong.body["detail"]]).toEqual([400, expect.stringContaining("events[1]")]);
    const unfit = await send(carol, [issue("a"), { type: "label.created", data: { color: 1 } }]);
    expect([unfit.status, unfit.body["code"], unfit.body["detail"]]).toEqual([
      422,
      "schema_violated",
      "events[1]: data must have required property 'name'",
    ]);
    const unknown = await send(carol, [issue("a"), { type: "unheard.of", data: 1 }]);
    expect([unknown.status, unknown.body["code"]]).toEqual([403, "forbidden"]);
    expect(await countOf()).toBe(before);
  });

  test("is refused with the reason, a way to try again, and the request's id", async () => {
    const missing = await send(undefined, issue("x"), { "x-request-id": "r-1" });
    expect([missing.status, missing.headers.get("x-request-id")]).toEqual([401, "r-1"]);
    expect(missing.headers.get("www-authenticate")).toContain("Bearer");
    expect(missing.headers.get("content-type")).toBe("application/problem+json");
    expect((await send(carol, "x", { "content-type": "text/plain" })).status).toBe(415);
  });
});

test("a role, and the loss of it, counts at once, topic by topic", async () => {
  const { access_token: alice } = await stack.login("alice");
  expect((await publish(alice, issue("r"))).status).toBe(403);
  await stack.setRoles("alice", ["security"]);
  expect((await publish(alice, issue("r"))).status).toBe(200);
  await stack.setRoles("alice", ["triager"]);
  expect((await publish(alice, issue("r"))).status).toBe(403);
});

test("a person's events, and a tenant's, are limited, and whoever is over the limit is told how long to wait", async () => {
  const limits = { PUBLISH_EVENTS_PER_SUBJECT_PER_MINUTE: "3" };
  await using small = await stack.startPublish(limits);
  const send = publisherAt(small);
  const events = [issue("l1"), issue("l2")];
  expect((await send(carol, events)).status).toBe(200);
  const limited = await send(carol, events);
  expect([limited.status, limited.body["code"]]).toEqual([429, "too_many_requests"]);
  expect(Number(limited.headers.get("retry-after"))).toBeGreaterThan(0);
  await stack.carryOut("PUT", "demo/limits", { publishedEventsPerSecond: 1 });
  const many = Array.from({ length: 11 }, (_, place) => issue(`t${place}`));
  expect((await publish(carol, many)).body["code"]).toBe("limit_exceeded");
  await stack.carryOut("PUT", "demo/limits", {});
  expect((await publish(carol, many)).status).toBe(200);
});

test("the edge does not have a request sent again for which the bus has no room", async () => {
  const data = "x".repeat(950 * 1_024);
  const headers = Object.fromEntries(Array.from({ length: 80 }, (_, place) => [`ce-x${place}`, "y".repeat(1_000)]));
  const refused = await toEdge(carol, issue("large", { data }), headers);
  expect([refused.status, refused.body["code"]]).toEqual([422, "limit_exceeded"]);
});

describe("while something is away", () => {
  test("Redis: events are published on", async () => {
    await stack.redis.stop();
    expect((await publish(carol, issue("no-redis"))).status).toBe(200);
    await stack.redis.start();
  });

  test("the bus: a request is told to come again, and counts once", async () => {
    await stack.nats.stop();
    const away = await publish(carol, issue("no-bus", { id: "no-bus" }));
    expect([away.status, away.body["code"]]).toEqual([503, "unavailable"]);
    expect(away.headers.get("retry-after")).toBe("1");
    await stack.nats.start();
    await waitFor(
      "events are taken again",
      async () => (await publish(carol, issue("no-bus", { id: "no-bus" }))).status === 200,
    );
    expect((await publish(carol, issue("no-bus", { id: "no-bus" }))).body["duplicates"]).toEqual(["no-bus"]);
  });

  test("policy or auth: nothing is published unasked", async () => {
    const before = await countOf();
    for (const service of ["policy", "auth"] as const) {
      await freeze(stack[service].child.process);
      const away = await publish(carol, issue("unasked"));
      expect([service, away.status, away.body["code"]]).toEqual([service, 503, "unavailable"]);
      expect(Number(away.headers.get("retry-after"))).toBeGreaterThan(0);
      thaw(stack[service].child.process);
      await waitFor(
        "events are taken again",
        async () => (await publish(carol, issue("asked", { id: "asked" }))).status === 200,
      );
    }
    // One that is asked again and again is stored once.
    expect(await countOf()).toBe(before + 1);
  });

  test("the publisher: the edge says that nothing was stored", async () => {
    await publisher.child.end("SIGTERM");
    const away = await toEdge(carol, issue("nobody"));
    expect([away.status, away.body["detail"]]).toEqual([503, "no publisher is there, nothing was stored; try again"]);
  });
});
