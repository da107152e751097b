import type { Msg } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ASK_EDGES, type EdgeQuestion, type Reach } from "#shared/contract/edge-questions.ts";
import { type EventStream, openEventStream } from "#test/support/event-stream.ts";
import { ACME_DOCUMENT, OPERATOR_TOKEN, type PolicyStack, startPolicyStack } from "#test/support/start-policy.ts";
import { type Bus, openBus } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

const PATH = "/v1/tenants/demo/tail";

describe("the live tail", () => {
  let stack: PolicyStack;
  let edge: Bus;
  let producer: Bus;
  let reader: Bus;
  let asked: EdgeQuestion[] = [];
  let say: (seq: number) => Partial<Reach> = () => ({ reached: 1, connected: 3 });

  beforeAll(async () => {
    stack = await startPolicyStack();
    edge = await openBus(stack.nats.url("stream"), "stream");
    producer = await openBus(stack.nats.url("demo"), "demo");
    reader = await openBus(stack.nats.url("policy"), "policy");
    edge.connection.subscribe(ASK_EDGES, {
      callback: (_, message: Msg) => {
        const question = message.json<EdgeQuestion>();
        if (question.ask !== "reach") return;
        asked.push(question);
        const reach = question.seqs.map((seq) => ({ ...NOBODY, seq, ...say(seq) }));
        message.respond(JSON.stringify({ from: "w1", reach }));
      },
    });
    await edge.connection.flush();
    await stack.call("PUT", "/v1/tenants/demo");
    await stack.call("PUT", "/v1/tenants/demo/policy", ACME_DOCUMENT.replace("acme", "demo"));
  });
  afterAll(async () => {
    for (const { connection } of [edge, producer, reader]) await connection.close();
    await stack[Symbol.asyncDispose]();
  });

  const open = (query = "", more: { lastEventId?: string; token?: string } = {}): Promise<EventStream> =>
    openEventStream(`${stack.url}${PATH}${query}`, { token: OPERATOR_TOKEN, ...more });
  const of = (stream: EventStream, event: string): Record<string, unknown>[] =>
    stream.frames
      .filter((frame) => frame.event === event)
      .map(({ data }) => JSON.parse(data) as Record<string, unknown>);
  const topicsIn = (stream: EventStream): unknown[] => of(stream, "event").map(({ topic }) => topic);

  it("shows each event as it is stored, without its payload, and then whom it reached", async () => {
    await using tail = await open();
    await tail.frame("ready");
    say = () => ({ reached: 1, connected: 3 });
    const seq = await producer.publish("events.demo.order.created.42", "a secret of six words' length");
    await tail.frame("reach");
    const [event] = of(tail, "event");
    expect(event).toMatchObject({ topic: "order.created.42", type: "order.created", key: "42", bytes: 29 });
    expect(of(tail, "reach")).toEqual([
      { id: event?.["id"], reached: 1, connected: 3, denied: 0, behind: 0, reason: null, partial: false },
    ]);
    expect(event?.["id"]).toMatch(new RegExp(String.raw`^[0-9a-f]+\.${seq}\.`));
    expect(tail.raw()).not.toContain("secret");
    expect(tail.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
  });

  it("leaves no reader of the log behind, nor does one that was asked for by HEAD", async () => {
    const headers = { authorization: `Bearer ${OPERATOR_TOKEN}` };
    expect((await fetch(`${stack.url}${PATH}`, { method: "HEAD", headers })).status).toBe(200);
    const { streams } = await reader.manager();
    const readers = async (): Promise<number> => (await streams.info("EVENTS_demo")).state.consumer_count;
    await waitFor("the reader is gone", async () => (await readers()) === 0);
    {
      await using tail = await open();
      await tail.frame("ready");
      expect(await readers()).toBe(1);
    }
    await waitFor("the reader is gone", async () => (await readers()) === 0);
  });

  it("says why an event reached nobody", async () => {
    await using tail = await open();
    await tail.frame("ready");
    say = () => ({ connected: 2, denied: 1 });
    await producer.publish("events.demo.order.created.42", "{}");
    await tail.frame("reach");
    expect(of(tail, "reach")).toMatchObject([{ reached: 0, connected: 2, denied: 1, reason: "denied" }]);
  });

  it("shows what a filter lets through, and recent events on request", async () => {
    await producer.publish("events.demo.invoice.paid.7", "{}");
    await using tail = await open("?from=recent&topic=invoice.*.8&topic=invoice.*.7&type=invoice.*");
    await producer.publish("events.demo.order.created.7", "{}");
    await producer.publish("events.demo.invoice.sent.7", "{}");
    await waitFor("both have come", () => topicsIn(tail).length === 2);
    expect(topicsIn(tail)).toEqual(["invoice.paid.7", "invoice.sent.7"]);
  });

  it("shows what a person may see now: by the policy in force, and by what auth says they hold", async () => {
    stack.people.hold("demo", "mia", { roles: [], groups: [] });
    await using mias = await open("?subject=mia");
    await using alices = await open("?subject=alice");
    await Promise.all([mias.frame("ready"), alices.frame("ready")]);
    const publish = (key: string) => producer.publish(`events.demo.order.${key}`, "{}");
    await publish("created.1");
    await publish("hidden.1");
    await producer.publish("events.demo.unknown.type.1", "{}");
    await publish("created.2");
    await waitFor("the last one", () => topicsIn(alices).length === 2);
    expect(topicsIn(alices)).toEqual(["order.created.1", "order.created.2"]);
    expect(topicsIn(mias)).toEqual([]);
    stack.people.hold("demo", "mia", { roles: ["viewer"], groups: [] });
    await waitFor("the first that mia sees", async () => {
      await publish("created.3");
      return topicsIn(mias).length > 0;
    });
    expect(new Set(topicsIn(mias))).toEqual(new Set(["order.created.3"]));
  });

  it("goes on behind the event that a viewer saw last; one that comes with another log's is told", async () => {
    await using first = await open();
    await first.frame("ready");
    for (const key of ["1", "2", "3"]) await producer.publish(`events.demo.order.shipped.${key}`, "{}");
    await waitFor("all have come", () => topicsIn(first).length === 3);
    const seen = String(of(first, "event")[0]?.["id"]);
    await using again = await open("", { lastEventId: seen });
    await waitFor("the rest has come", () => topicsIn(again).length === 2);
    expect(topicsIn(again)).toEqual(["order.shipped.2", "order.shipped.3"]);
    await using other = await open("", { lastEventId: "0123456789ab.7.x" });
    expect(JSON.parse((await other.frame("gap")).data)).toEqual({ reason: "other_log" });
  });

  it("asks the edges for all viewers at once, and at most twice a second", async () => {
    await using one = await open();
    await using two = await open();
    await Promise.all([one.frame("ready"), two.frame("ready")]);
    asked = [];
    const before = performance.now();
    for (let key = 0; key < 150; key += 1) await producer.publish(`events.demo.order.packed.${key}`, "{}");
    await waitFor("both know of the last", () => of(one, "reach").length >= 100 && of(two, "reach").length >= 100);
    const rounds = Math.ceil((performance.now() - before) / 500) + 1;
    expect(asked.length).toBeLessThanOrEqual(rounds);
    const leftOut = () => of(one, "left_out").reduce((sum, { count }) => sum + Number(count), 0);
    await expect.poll(() => of(one, "event").length + leftOut()).toBe(150);
  });

  it("shows no more of what was erased", async () => {
    await producer.publish("events.demo.order.created.erased", "{}");
    await using tail = await open("?from=recent&topic=*.*.erased");
    await waitFor("it is there", () => topicsIn(tail).length === 1);
    await stack.call("POST", "/v1/tenants/demo/erase", { subject: "*.*.erased", reason: "they asked" });
    expect(JSON.parse((await tail.frame("erased")).data)).toMatchObject({ subject: "*.*.erased" });
    await using later = await open("?from=recent&topic=*.*.erased");
    await producer.publish("events.demo.order.created.erased", "{}");
    await waitFor("the marker is there", () => topicsIn(later).length === 1);
  });

  it("is for administrators and operators", async () => {
    const answer = await stack.call("GET", PATH, undefined, await stack.as("alice", { tenant_id: "demo" }));
    expect(answer.status).toBe(403);
    expect((await stack.call("GET", PATH, undefined, await stack.as("carol"))).status).toBe(403);
    expect((await stack.call("GET", "/v1/tenants/nowhere/tail")).status).toBe(404);
  });

  it("is looked at by 16 at once", async () => {
    await using viewers = new AsyncDisposableStack();
    for (let i = 0; i < 16; i += 1) viewers.use(await open());
    expect((await stack.call("GET", PATH)).status).toBe(429);
  });

  it.each(["?from=earliest", "?topic=order", "?type=a.%3E.b", "?subject=%00"])("refuses %s", async (query) => {
    expect((await stack.call("GET", PATH + query)).status).toBe(400);
  });
});

const NOBODY = { reached: 0, denied: 0, behind: 0, connected: 0, isWithoutRule: false };
