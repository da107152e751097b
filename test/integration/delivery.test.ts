import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEventStream } from "#test/support/event-stream.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";

let stack: Stack;
let demo: Bus;
let rival: Bus;

beforeAll(async () => {
  stack = await startStack();
  demo = await stack.bus("demo");
  rival = await stack.bus("rival");
});
afterAll(() => stack[Symbol.asyncDispose]());

describe("a stream", () => {
  test("delivers what its person may see, and nothing else", async () => {
    const alice = await open("alice", "topic=issues.>&topic=push.>");
    const bob = await open("bob", "topic=issues.>&topic=push.>");
    await Promise.all([alice.frame("ready"), bob.frame("ready")]);

    await demo.publish("events.demo.issues.opened.one", "issue");
    await demo.publish("events.demo.push.event.one", "push");
    await demo.publish("events.demo.issues.closed.one", "closed");

    expect(await bob.receive(3)).toEqual(["issue", "push", "closed"]);
    expect(await alice.receive(2)).toEqual(["issue", "closed"]);
    await Promise.all([alice[Symbol.asyncDispose](), bob[Symbol.asyncDispose]()]);
  });

  test("says in its first frame what is in force", async () => {
    await using alice = await open("alice", "topic=issues.>&topic=push.>&topic=*.opened.>");
    const ready = await alice.frame("ready");
    expect(alice.frames[0]).toBe(ready);
    expect(ready.id).toMatch(/^[a-z0-9]+\.\d+\.[a-z0-9]+$/);
    expect(JSON.parse(ready.data)).toMatchObject({
      connectionId: alice.headers["x-connection-id"],
      tenant: "demo",
      subject: "alice",
      topics: [
        { topic: "*.opened.>", granted: true },
        { topic: "issues.>", granted: true },
        { topic: "push.>", granted: false },
      ],
      expiresAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    });
    expect(alice.headers).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
      connection: "close",
    });
    expect(Number(/^retry: (\d+)$/m.exec(alice.raw())?.[1])).toBeGreaterThanOrEqual(1_000);
  });

  test("never carries an event, an id or a count of another tenant", async () => {
    await using mallory = await open("mallory", "topic=issues.>&topic=push.>", "rival");
    await using alice = await open("alice", "topic=issues.>");
    await Promise.all([mallory.frame("ready"), alice.frame("ready")]);
    for (let round = 0; round < 20; round += 1) {
      await demo.publish("events.demo.issues.opened.x", `demo ${round}`);
      await rival.publish("events.rival.issues.opened.x", `rival ${round}`);
    }
    const atMallory = await mallory.receive(20);
    expect(atMallory).toEqual(Array.from({ length: 20 }, (_, round) => `rival ${round}`));
    expect((await alice.receive(20)).every((text) => text.startsWith("demo "))).toBe(true);
    const sequences = mallory.frames
      .filter(({ event }) => event === "message")
      .map(({ id }) => Number(id?.split(".")[1]));
    // Consecutive numbers: what the other tenant published in between took none of them.
    expect(sequences).toEqual(sequences.map((_, index) => (sequences[0] ?? 0) + index));
  });

  test("keeps the order of the log in a burst", async () => {
    await using bob = await open("bob", "topic=push.>");
    await bob.frame("ready");
    await Promise.all(
      Array.from({ length: 2_000 }, (_, index) => demo.publish("events.demo.push.event.burst", String(index))),
    );
    const received = await bob.receive(2_000);
    expect(new Set(received).size).toBe(2_000);
    const sequences = bob.frames.filter(({ event }) => event === "message").map(({ id }) => Number(id?.split(".")[1]));
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
  });

  test("gives names and CloudEvents envelopes to who asks for them", async () => {
    await using bob = await open("bob", "topic=push.>&events=named&format=cloudevents");
    await bob.frame("ready");
    await demo.publish("events.demo.push.event.named", '{"ref":"main"}');
    const frame = await bob.frame("push.event");
    expect(JSON.parse(frame.data)).toMatchObject({
      specversion: "1.0",
      type: "push.event",
      subject: "push.event.named",
      source: "/tenants/demo",
      datacontenttype: "application/json",
      data: { ref: "main" },
    });
  });

  test("passes what is not UTF-8, counts it, and delivers the next event", async () => {
    await using bob = await open("bob", "topic=push.>");
    await bob.frame("ready");
    await demo.publish("events.demo.push.event.bad", Uint8Array.of(0xff, 0xfe, 0x00));
    await demo.publish("events.demo.push.event.good", "good");
    expect(await bob.receive(1)).toEqual(["good"]);
    const metrics = await (await fetch(`http://127.0.0.1:${stack.edge.ports.ops}/metrics`)).text();
    expect(metrics).toMatch(/sluice_stream_poison_total\{reason="not_utf8"\} [1-9]/);
  });
});

async function open(username: string, query: string, tenant = "demo") {
  const { access_token: token } = await stack.login(username, tenant);
  return openEventStream(`${stack.streamUrl}/v1/stream?${query}`, { token });
}
