import { jetstream } from "@nats-io/jetstream";
import type { Msg } from "@nats-io/transport-node";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import {
  ASK_EDGES,
  type CarriedOut,
  type Delivering,
  type EdgeQuestion,
  edgeQuestionSchema,
} from "#shared/contract/edge-questions.ts";
import { connectionSubject } from "#shared/contract/connection-log.ts";
import { nanosOf, tagOf } from "#shared/contract/event-tag.ts";
import { DELETED_RECORD, type StoredSubscription } from "#shared/contract/subscription-record.ts";
import type { SubscriptionList } from "#shared/contract/subscription-view.ts";
import { subscriptionSubject } from "#shared/contract/subscriptions.ts";
import { formatEventId } from "#shared/protocol/event-id.ts";
import { storedSubscription } from "#test/rigs/stored-subscription.ts";
import { type EventStream, openEventStream } from "#test/support/event-stream.ts";
import { readAudit } from "#test/support/start-auth.ts";
import { ACME_DOCUMENT, type PolicyStack, startPolicyStack } from "#test/support/start-policy.ts";
import { type Bus, openBus } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

const PATH = "/v1/tenants/acme/subscriptions";
const DAY_MS = 86_400_000;
const DELIVERING: Delivering = { expiresSeconds: 7 * 86_400, archivesSeconds: 15 * 86_400, hosts: [] };

let stack: PolicyStack;
let edge: Bus;
let publisher: Bus;
/** An event in the tenant's log. */
let event: { readonly seq: number; readonly tag: string; readonly epoch: string; readonly id: string };
let asked: Extract<EdgeQuestion, { ask: "subscription" }>[] = [];
let delivering: Partial<Delivering> = {};
let carryOut: () => CarriedOut = () => ({ record: null });

beforeAll(async () => {
  stack = await startPolicyStack();
  edge = await openBus(stack.nats.url("stream"), "stream");
  publisher = await openBus(stack.nats.url("publish"), "publish");
  for (const from of ["w1", "w2"]) {
    edge.connection.subscribe(ASK_EDGES, { callback: (_, message: Msg) => answer(from, message) });
  }
  await edge.connection.flush();
  await stack.call("PUT", "/v1/tenants/acme");
  await stack.call("PUT", "/v1/tenants/acme/policy", ACME_DOCUMENT);
  event = await publishEvent();
});
afterAll(async () => {
  for (const { connection } of [edge, publisher]) await connection.close();
  await stack[Symbol.asyncDispose]();
});
beforeEach(() => {
  asked = [];
  delivering = {};
  carryOut = () => ({ record: null });
});

test("are listed by person and name, page by page, with what each has and owes", async () => {
  const dead: StoredSubscription["dead"] = [[event.seq, event.tag, 3, "refused"]];
  const open: StoredSubscription["open"] = [
    [event.seq, event.tag, 1, Date.now()],
    [event.seq + 1, "x", 2, Date.now()],
  ];
  await write("a user", "builds", { dead, open, holder: { connectionId: "w2-7" } });
  await write("bob", "left", { seenAt: Date.now() - 8 * DAY_MS });
  await write("bob", "long-left", { seenAt: Date.now() - 15 * DAY_MS });
  await write("bob", "paused", { paused: "resumed" });
  await store("bob", "deleted", DELETED_RECORD);
  await store("bob", "strange", '{"v":99}');
  const carol = await stack.as("carol");
  const first = (await stack.call("GET", `${PATH}?limit=1`, undefined, carol)).body as unknown as SubscriptionList;
  expect(first.subscriptions).toMatchObject([
    {
      subject: "a user",
      name: "builds",
      state: "active",
      open: 2,
      redelivered: 1,
      dead: 1,
      floor: `${event.epoch}.${event.seq - 1}.0`,
      holder: { connectionId: "w2-7", client: null },
      webhook: null,
    },
  ]);
  const rest = (await stack.call("GET", `${PATH}?after=${first.next}`)).body as unknown as SubscriptionList;
  expect(rest.subscriptions.map(({ name, state }) => [name, state])).toEqual([
    ["left", "expired"],
    ["long-left", "archived"],
    ["paused", "paused"],
    ["strange", "unreadable"],
  ]);
  expect([rest.next, rest.partial]).toEqual([undefined, false]);
  const bobs = await stack.call("GET", `${PATH}?subject=bob&limit=1`);
  expect(bobs.body["subscriptions"]).toMatchObject([{ subject: "bob" }]);
});

test("show of a webhook its host, what it answered, and whether it is left alone; an address may be a secret", async () => {
  const deliver = { url: "https://hooks.example.com/s3cret?key=s3cret", secretRef: "first" };
  const failure = { at: 0, reason: "HTTP 500" };
  await write("dora", "hook", { failure }, { deliver });
  delivering = { hosts: [{ host: "hooks.example.com", failures: 6, resting: true }] };
  const { body } = await stack.call("GET", `${PATH}/dora/hook`);
  const webhook = {
    host: "hooks.example.com",
    failure: { reason: "HTTP 500" },
    breaker: { resting: true, failures: 6 },
  };
  expect(body).toMatchObject({ subscription: { webhook } });
  expect(JSON.stringify(body)).not.toContain("s3cret");
});

test("are looked at with the topics of what they have open and dead; an event that is gone has none", async () => {
  const dead: StoredSubscription["dead"] = [
    [event.seq, event.tag, 3, "refused"],
    [event.seq, "other", 1, "denied"],
  ];
  await write("erik", "builds", { dead, open: [[event.seq, event.tag, 2, 0]] });
  const { body } = await stack.call("GET", `${PATH}/erik/builds`);
  expect(body).toMatchObject({
    open: [{ id: event.id, deliveries: 2, topic: "order.created.42", at: expect.any(String) as string }],
    dead: [
      { id: event.id, deliveries: 3, reason: "refused", topic: "order.created.42" },
      { reason: "denied", topic: null, at: null },
    ],
  });
  expect(JSON.stringify(body)).not.toContain("a payload");
  expect((await stack.call("GET", `${PATH}/erik/none`)).status).toBe(404);
});

test("have at most 50 dead letters told at once", async () => {
  const letters = (count: number) =>
    Array.from({ length: count }, (_, n): StoredSubscription["dead"][number] => [1_000 + n, "t", 1, "denied"]);
  await write("erik", "fifty", { dead: letters(50) });
  await write("erik", "more", { dead: letters(51) });
  expect((await stack.call("GET", `${PATH}/erik/fifty`)).body["next"]).toBeUndefined();
  const { body } = await stack.call("GET", `${PATH}/erik/more`);
  expect(body["dead"]).toHaveLength(50);
  const next = String(body["next"]);
  expect((await stack.call("GET", `${PATH}/erik/more?after=${next}`)).body["dead"]).toMatchObject([
    { id: `${event.epoch}.1050.t` },
  ]);
});

test("are changed by the worker that holds them, with an entry of the audit trail each", async () => {
  await write("fay", "builds", { holder: { connectionId: "w2-1" } });
  const carol = await stack.as("carol");
  const until = "2030-01-01T00:00:00Z";
  for (const [path, body] of [
    ["pause", { until }],
    ["pause", undefined],
    ["resume", undefined],
    ["dead/redeliver", { all: true }],
    ["dead/drop", { ids: [event.id] }],
  ] as const) {
    const answered = await stack.call("POST", `${PATH}/fay/builds/${path}`, body, carol);
    expect(answered).toMatchObject({ status: 200, body: { subscription: { name: "builds" } } });
  }
  const deletion = { method: "DELETE", headers: carol };
  expect((await fetch(`${stack.url}${PATH}/fay/builds`, deletion)).status).toBe(204);
  const to = { ask: "subscription", worker: "w2", tenant: "acme", subject: "fay", name: "builds" };
  expect(asked).toEqual(
    [
      { do: "pause", until: Date.parse(until) },
      { do: "pause", until: "resumed" },
      { do: "resume" },
      { do: "redeliver", dead: "all" },
      { do: "drop", dead: [event.id] },
      { do: "delete" },
    ].map((command) => ({ ...to, command })),
  );
  const by = { event: "subscription_changed", subject: "fay", subscription: "builds", by: "subject:carol" };
  expect((await readAudit(stack.nats, "acme")).slice(-6)).toMatchObject([
    { ...by, change: "paused", address: "127.0.0.1" },
    { ...by, change: "paused" },
    { ...by, change: "resumed" },
    { ...by, change: "redelivered", dead: "all" },
    { ...by, change: "dropped", dead: 1 },
    { ...by, change: "deleted" },
  ]);
});

test("are not said to be changed where the edge refuses, and nothing is noted then", async () => {
  await write("gus", "builds", {});
  const before = (await readAudit(stack.nats, "acme")).length;
  carryOut = () => ({ refused: "unavailable", message: "the holder is away" });
  const refused = await stack.call("POST", `${PATH}/gus/builds/resume`);
  expect(refused).toMatchObject({ status: 503, body: { detail: "the holder is away" } });
  expect(await readAudit(stack.nats, "acme")).toHaveLength(before);
});

test("are deleted all together with an entry that says how many", async () => {
  await write("hal", "one", {});
  await write("hal", "two", {});
  expect((await stack.call("DELETE", `${PATH}?subject=hal`)).body).toEqual({ deleted: 2 });
  const entry = { event: "subscription_changed", subject: "hal", change: "deleted", deleted: 2, by: "operator" };
  expect((await readAudit(stack.nats, "acme")).at(-1)).toMatchObject(entry);
});

test("are for administrators of the tenant and operators", async () => {
  const alice = await stack.as("alice");
  for (const [method, path] of [
    ["GET", PATH],
    ["GET", `${PATH}/bob/paused`],
    ["POST", `${PATH}/bob/paused/resume`],
    ["DELETE", `${PATH}/bob/paused`],
    ["DELETE", PATH],
  ] as const) {
    expect((await stack.call(method, path, undefined, alice)).status).toBe(403);
  }
  expect(asked).toEqual([]);
});

test("and streams are told to have changed by a stream that clients of edges read, once a second and to administrators alone", async () => {
  const live = `${stack.url}/v1/tenants/acme/live/v1/stream`;
  const { authorization } = await stack.as("carol");
  const token = authorization.replace("Bearer ", "");
  await using both = await openEventStream(`${live}?topic=connections.changed&topic=subscriptions.changed`, { token });
  await using one = await openEventStream(`${live}?topic=connections.changed`, { token });
  for (const each of [both, one]) await each.frame("ready");
  const typesIn = ({ frames }: EventStream): unknown[] =>
    frames.flatMap(({ event: name, data }) => (name === "ready" ? [] : [(JSON.parse(data) as { type?: string }).type]));
  // Consumers that begin now miss what is written before them.
  await waitFor("a subscription's change", async () => {
    await write("ida", "builds", {});
    return typesIn(both).includes("subscriptions.changed");
  });
  const changes = typesIn(both).length;
  for (let times = 0; times < 50; times += 1) await write("ida", "builds", {});
  const entry = JSON.stringify({ event: "ended" });
  await jetstream(edge.connection).publish(connectionSubject("acme", "ida", "ended"), entry);
  await waitFor("a stream's end", () => typesIn(one).length > 0);
  expect(typesIn(one)).toEqual(["connections.changed"]);
  expect(typesIn(both).length - changes).toBeLessThan(20);
  for (const [query, status, as] of [
    ["?topic=order.created", 400, "carol"],
    ["", 400, "carol"],
    ["?topic=connections.changed", 403, "alice"],
  ] as const) {
    expect((await fetch(live + query, { headers: await stack.as(as) })).status).toBe(status);
  }
});

test.each(["?subjct=ida", "?Subject=ida", "?subject=ida&name=kept"])("are not deleted by %s", async (query) => {
  const refusal = { status: 400, body: { code: "unsupported_parameter" } };
  expect(await stack.call("DELETE", PATH + query)).toMatchObject(refusal);
});

test.each([
  ["GET", "?limit=201"],
  ["GET", "?subject=a&subject=b"],
  ["GET", "?after=bm90aGluZw"],
  ["GET", "?subject=%00"],
  ["GET", "/bob/no.name"],
  ["POST", "/bob/paused/dead/drop", { ids: [] }],
  ["POST", "/bob/paused/dead/drop", { ids: Array.from({ length: 101 }, () => "a.1.b") }],
  ["POST", "/bob/paused/pause", { until: "tomorrow" }],
] as const)("refuse %s %s", async (method, path, body?: object) => {
  expect(await stack.call(method, PATH + path, body)).toMatchObject({
    status: 400,
    body: { code: "malformed_request" },
  });
});

/** A worker's answer; the one that is named alone carries out commands. */
function answer(from: string, message: Msg): void {
  const question = edgeQuestionSchema.parse(message.json());
  const say = (said: object): void => void message.respond(JSON.stringify({ from, ...said }));
  if (question.ask === "subscriptions") say({ delivering: { ...DELIVERING, ...delivering } });
  if (question.ask !== "subscription" || question.worker !== from) return;
  asked.push(question);
  say({ carriedOut: carryOut() });
}

function write(
  subject: string,
  name: string,
  change: Partial<StoredSubscription>,
  defined?: Partial<StoredSubscription["definition"]>,
): Promise<void> {
  return store(subject, name, JSON.stringify(storedSubscription(event, change, defined)));
}

async function store(subject: string, name: string, text: string): Promise<void> {
  await jetstream(edge.connection).publish(subscriptionSubject("acme", subject, name), text);
}

async function publishEvent(): Promise<typeof event> {
  await publisher.publish("ingest.acme.order.created.42", "a payload");
  const reader = await openBus(stack.nats.url("policy"), "policy");
  const { streams } = await reader.manager();
  const { config } = await streams.info("EVENTS_acme");
  const message = await streams.getMessage("EVENTS_acme", { last_by_subj: "events.acme.order.created.42" });
  await reader.connection.close();
  const { seq, timestamp } = message ?? { seq: 0, timestamp: "" };
  const [epoch, tag] = [config.metadata?.["sluice_epoch"] ?? "", tagOf(nanosOf(timestamp))];
  return { seq, tag, epoch, id: formatEventId(epoch, { seq, tag }) };
}
