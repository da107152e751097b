import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { RunningService } from "#test/support/start-service.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";
import { idsOf, type Subscriber, subscriberAt } from "#test/support/subscriptions.ts";

let stack: Stack;
let other: RunningService;
let demo: Bus;
let token: string;
let here: Subscriber;
let there: Subscriber;
let name: string;
let made = 0;

beforeAll(async () => {
  stack = await startStack({ stream: { STREAM_SUBSCRIPTIONS_PER_SUBJECT: "50" } });
  other = await stack.startEdge();
  demo = await stack.bus("demo");
  token = (await stack.login("bob")).access_token;
  here = subscriberAt(stack.streamUrl, token);
  there = subscriberAt(`http://127.0.0.1:${other.ports.http}`, token);
});
afterAll(() => stack[Symbol.asyncDispose]());

beforeEach(async () => {
  name = `orders-${(made += 1)}`;
});

const TOPICS = ["push.>"];

async function make(change: object = {}): Promise<void> {
  const { status, body } = await here.call("PUT", `/${name}`, { topics: TOPICS, ackWaitMs: 1_000, ...change });
  expect({ status, body }).toMatchObject({ status: 201 });
}

async function publish(...texts: string[]): Promise<void> {
  for (const text of texts) await demo.publish("events.demo.push.event.k", text);
}

test("a subscription is made, looked at, changed by its revision, listed and deleted", async () => {
  const first = await here.call("PUT", `/${name}`, { topics: TOPICS, window: 7 });
  expect(first).toMatchObject({ status: 201, etag: '"1"' });
  expect(first.body).toMatchObject({
    name,
    state: "active",
    topics: TOPICS,
    window: 7,
    open: 0,
    dead: 0,
    holder: null,
  });
  expect(await there.call("GET", `/${name}`)).toMatchObject({
    status: 200,
    body: { window: 7, pending: expect.anything() },
  });
  const same = await there.call("PUT", `/${name}`, { topics: TOPICS, window: 7 });
  expect(same).toMatchObject({ status: 200, etag: '"1"' });
  const changed = await there.call("PUT", `/${name}`, { topics: TOPICS, window: 9 }, { "if-match": '"1"' });
  expect(changed).toMatchObject({ status: 200, etag: '"2"', body: { window: 9 } });
  const late = await here.call("PUT", `/${name}`, { topics: TOPICS, window: 8 }, { "if-match": '"1"' });
  expect(late).toMatchObject({ status: 412, body: { code: "version_conflict" } });
  const again = await here.call("PUT", `/${name}`, { topics: TOPICS }, { "if-none-match": "*" });
  expect(again.status).toBe(412);
  const missing = await here.call("PUT", `/${name}-missing`, { topics: TOPICS }, { "if-match": "*" });
  expect(missing).toMatchObject({ status: 412, body: { code: "version_conflict" } });
  const present = await here.call("PUT", `/${name}`, { topics: TOPICS, window: 9 }, { "if-match": "*" });
  expect(present).toMatchObject({ status: 200, etag: '"2"' });
  const { body } = await here.call("GET", "");
  expect((body["subscriptions"] as { name: string }[]).map((each) => each.name)).toContain(name);
  expect((await there.call("DELETE", `/${name}`)).status).toBe(204);
  expect((await here.call("GET", `/${name}`)).status).toBe(404);
  await make();
});

test.each([
  ["acks", {}, 'must be {"ids": […]} with up to 10000 ids, or {"upTo": "<id>"}'],
  ["acks", { ids: ["a.1.b"], upTo: "a.1.b" }, 'must be {"ids": […]} with up to 10000 ids, or {"upTo": "<id>"}'],
  ["dead/drop", { all: false }, 'must be {"ids": […]} with up to 10000 ids, or {"all": true}'],
])("%s with %j is told what it may say", async (call, body, told) => {
  await make();
  const answer = await here.call("POST", `/${name}/${call}`, body);
  expect(answer).toMatchObject({ status: 400, body: { code: "malformed_request", detail: `the body: ${told}` } });
});

describe("an attached stream", () => {
  test("delivers with each event's own id; what is acknowledged, on any edge, never comes again", async () => {
    await make({ ackWaitMs: 60_000 });
    await publish("one", "two", "three");
    const first = await here.attach(name);
    await first.receive(3);
    const ids = idsOf(first);
    expect(new Set(ids).size).toBe(3);
    expect(await there.ack(name, [ids[0], ids[2]])).toBe(204);
    expect(await there.call("GET", `/${name}`)).toMatchObject({
      body: { open: 1, holder: { connectionId: expect.any(String) } },
    });
    await first[Symbol.asyncDispose]();
    await publish("four");
    await using second = await there.attach(name);
    await second.receive(2);
    expect(second.events()).toEqual(["two", "four"]);
    expect(idsOf(second)[0]).toBe(ids[1]);
  });

  test("stops at its window, and goes on where it stopped", async () => {
    await make({ window: 2, ackWaitMs: 60_000 });
    await using stream = await here.attach(name);
    await publish("a", "b", "c", "d");
    await stream.receive(2);
    expect((await here.call("GET", `/${name}`)).body).toMatchObject({ open: 2 });
    expect(await here.ack(name, [idsOf(stream)[0]])).toBe(204);
    await stream.receive(3);
    expect(stream.events()).toEqual(["a", "b", "c"]);
    await here.call("POST", `/${name}/acks`, { upTo: idsOf(stream)[2] });
    expect(await stream.receive(4)).toEqual(["a", "b", "c", "d"]);
  });

  test("gets what it does not acknowledge again, until it is a dead letter, which comes again on request", async () => {
    // Between a delivery and its refusal a busy machine may be away for more than a second.
    await make({ maxDeliver: 2, ackWaitMs: 3_000 });
    await using stream = await here.attach(name);
    await publish("poison");
    await stream.receive(2);
    const [id, again] = idsOf(stream);
    expect(again).toBe(id);
    await waitForDead(1);
    expect((await there.call("GET", `/${name}/dead`)).body).toEqual({
      dead: [{ id, deliveries: 2, reason: "not_acknowledged" }],
    });
    await there.call("POST", `/${name}/dead/redeliver`, { ids: [id] });
    await stream.receive(3);
    expect((await there.call("POST", `/${name}/nacks`, { ids: [id] })).status).toBe(204);
    await stream.receive(4);
    await there.call("POST", `/${name}/nacks`, { ids: [id] });
    expect((await there.call("GET", `/${name}/dead`)).body).toMatchObject({ dead: [{ id, reason: "refused" }] });
    expect((await there.call("POST", `/${name}/dead/drop`, { all: true })).body).toMatchObject({ dead: 0 });
  });

  test("keeps its subscription from a second one, unless that takes it over or is the same client", async () => {
    await make();
    await using first = await here.attach(name, "&client=tab-1");
    await first.frame("ready");
    await using second = await there.attach(name);
    expect(JSON.parse((await second.frame("busy")).data)).toMatchObject({ reason: "held" });
    await using third = await there.attach(name, "&takeover=true");
    await third.frame("ready");
    const bye = JSON.parse((await first.frame("bye")).data) as { reason: string; retryMs: number };
    expect(bye.reason).toBe("replaced");
    expect(bye.retryMs).toBeGreaterThanOrEqual(60_000);
    await using fourth = await here.attach(name, "&client=tab-2&takeover=true");
    await fourth.frame("ready");
    await using reload = await there.attach(name, "&client=tab-2");
    await reload.frame("ready");
    await publish("for the last");
    expect(await reload.receive(1)).toEqual(["for the last"]);
  });

  test("delivers nothing while the subscription is paused, and ends when its topics change or it is deleted", async () => {
    await make();
    await using stream = await here.attach(name);
    await stream.frame("ready");
    expect((await there.call("POST", `/${name}/pause`)).body).toMatchObject({ state: "paused", pausedUntil: null });
    await publish("later");
    expect((await there.call("GET", `/${name}`)).body).toMatchObject({ open: 0 });
    expect((await there.call("POST", `/${name}/resume`)).body).toMatchObject({ state: "active" });
    expect(await stream.receive(1)).toEqual(["later"]);
    await there.call("PUT", `/${name}`, { topics: ["issues.>"] });
    expect(JSON.parse((await stream.frame("bye")).data)).toMatchObject({ reason: "changed" });
    await using next = await here.attach(name);
    await next.frame("ready");
    await there.call("DELETE", `/${name}`);
    await next.frame("bye");
    expect((await here.attach(name)).status).toBe(404);
  });
});

describe("an edge that is killed", () => {
  test("loses nothing, and what was acknowledged at another one before it had noted it never comes again", async () => {
    await make({ ackWaitMs: 60_000 });
    const edge = await stack.startEdge();
    const doomed = subscriberAt(`http://127.0.0.1:${edge.ports.http}`, token);
    const stream = await doomed.attach(name);
    await stream.frame("ready");
    await publish("kept", "done", "also kept");
    await stream.receive(3);
    await edge.child.end("SIGKILL");
    await stream.closed();
    expect(await there.ack(name, [idsOf(stream)[1]])).toBe(204);
    await using next = await there.attach(name);
    expect(await next.receive(2)).toEqual(["kept", "also kept"]);
    expect(await there.ack(name, idsOf(next))).toBe(204);
    await publish("new");
    expect(await next.receive(3)).toEqual(["kept", "also kept", "new"]);
  });
});

function waitForDead(count: number): Promise<unknown> {
  return waitFor(`${count} dead letters`, async () => {
    const { body } = await here.call("GET", `/${name}`);
    return body["dead"] === count ? body : undefined;
  });
}
