import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEventStream, type EventStream } from "#test/support/event-stream.ts";
import { waitFor } from "#test/support/wait.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";

let stack: Stack;
let demo: Bus;
let token: string;

beforeAll(async () => {
  stack = await startStack();
  demo = await stack.bus("demo");
  token = (await stack.login("bob")).access_token;
});
afterAll(() => stack[Symbol.asyncDispose]());

describe("a client that comes back with its last id", () => {
  test("gets what it missed, once and in order", async () => {
    const first = await open();
    await first.frame("ready");
    await publish("before", 3);
    await first.receive(3);
    const lastEventId = first.lastId();
    await first[Symbol.asyncDispose]();
    await publish("missed", 500);

    await using second = await open(lastEventId);
    expect((await second.frame("ready")).id).toBe(lastEventId);
    await publish("after", 3);
    expect(await second.receive(503)).toEqual([...texts("missed", 500), ...texts("after", 3)]);
  });

  test("that was cut off before its first event loses nothing", async () => {
    const first = await open();
    const { id } = await first.frame("ready");
    await first[Symbol.asyncDispose]();
    await publish("unseen", 2);
    await using second = await open(id);
    expect(await second.receive(2)).toEqual(texts("unseen", 2));
  });

  test("is served from JetStream where the edge has nothing in memory", async () => {
    await using first = await open();
    const { id } = await first.frame("ready");
    const payload = "x".repeat(2_000);
    await Promise.all(
      Array.from({ length: 400 }, (_, index) => demo.publish("events.demo.push.event.k", `${index} ${payload}`)),
    );
    await first.receive(400);
    const expected = first.events();
    await using other = await stack.startEdge();
    await using second = await openEventStream(`http://127.0.0.1:${other.ports.http}/v1/stream?topic=push.>`, {
      token,
      ...(id === undefined ? {} : { lastEventId: id }),
    });
    expect(await second.receive(400)).toEqual(expected);
  });

  test("resumes without loss after its edge was killed and started again", async () => {
    const edge = await stack.startEdge();
    const url = `http://127.0.0.1:${edge.ports.http}/v1/stream?topic=push.>`;
    const first = await openEventStream(url, { token });
    await first.frame("ready");
    await publish("alive", 5);
    await first.receive(5);
    await edge.child.end("SIGKILL");
    await first.closed();
    await publish("while it was dead", 5);

    await using again = await stack.startEdge({ STREAM_HTTP_PORT: String(edge.ports.http) });
    expect(again.ports.http).toBe(edge.ports.http);
    await using second = await openEventStream(url, { token, lastEventId: first.lastId() ?? "" });
    expect(await second.receive(5)).toEqual(texts("while it was dead", 5));
  });

  test("may begin at the earliest entry, or at a time", async () => {
    await using all = await openEventStream(`${stack.streamUrl}/v1/stream?topic=push.>&from=earliest`, { token });
    expect((await all.receive(3)).slice(0, 3)).toEqual(texts("before", 3));
    await publish("older", 1);
    const time = new Date(Date.now() + 1).toISOString();
    await new Promise<void>((resolve) => setTimeout(resolve, 5));
    await publish("newer", 1);
    await using late = await openEventStream(`${stack.streamUrl}/v1/stream?topic=push.>&from=${time}`, { token });
    expect(await late.receive(1)).toEqual(texts("newer", 1));
  });
});

describe("an id that means nothing here", () => {
  const forged = {
    "is not one": "; DROP TABLE",
    "is 10 KB long": "a".repeat(10_000),
    "is 2^63": "aaaaaaaaaaaa.9223372036854775808.0",
    "names another log": "aaaaaaaaaaaa.5.abc",
    "has NUL and spaces": "aaaaaaaaaaaa 5 0",
  };
  for (const [what, id] of Object.entries(forged)) {
    test(`that ${what} is told as reset, and delivery goes on from now`, async () => {
      await using stream = await open(id);
      expect(stream.status).toBe(200);
      const reset = await stream.frame("reset");
      expect(["epoch", "unknown_id"]).toContain(JSON.parse(reset.data).reason);
      expect((await stream.frame("ready")).id).toBeUndefined();
      await publish("fresh", 1);
      expect(await stream.receive(1)).toEqual(texts("fresh", 1));
    });
  }

  test("that lies beyond the end, or names another message, is told as reset", async () => {
    await using probe = await open();
    const [epoch, seq] = ((await probe.frame("ready")).id ?? "").split(".");
    await using beyond = await open(`${epoch}.${Number(seq) + 1_000}.abc`);
    expect(JSON.parse((await beyond.frame("reset")).data)).toEqual({ reason: "tail_lost" });
    await using other = await open(`${epoch}.${seq}.zzzzzzz`);
    expect(JSON.parse((await other.frame("reset")).data)).toEqual({ reason: "tail_lost" });
  });

  test("of sequence 0 of this log is valid", async () => {
    await using probe = await open();
    const [epoch] = ((await probe.frame("ready")).id ?? "").split(".");
    await using stream = await open(`${epoch}.0.0`);
    await stream.receive(3);
    expect(stream.frames.some(({ event }) => event === "reset")).toBe(false);
    expect(stream.events().slice(0, 3)).toEqual(texts("before", 3));
  });
});

describe("entries that are gone", () => {
  test("are told as one gap that covers them, and delivery goes on behind it", async () => {
    const first = await open();
    const { id } = await first.frame("ready");
    await first[Symbol.asyncDispose]();
    await publish("purged", 10);
    const kept = await demo.publish("events.demo.push.event.k", "kept");
    const manager = await (await stack.bus("policy")).manager();
    await manager.streams.purge("EVENTS_demo", { seq: kept });
    await using other = await stack.startEdge();
    await using second = await openEventStream(`http://127.0.0.1:${other.ports.http}/v1/stream?topic=push.>`, {
      token,
      lastEventId: id ?? "",
    });
    const gap = await second.frame("gap");
    const { from, to, reason } = JSON.parse(gap.data);
    expect({ from, reason }).toEqual({ from: id, reason: "purged" });
    expect(Number(to.split(".")[1])).toBe(kept - 1);
    expect(await second.receive(1)).toEqual(["kept"]);
  });

  test("of a log that was made anew are told as reset to who is connected, and to who comes back", async () => {
    await using live = await open();
    const { id } = await live.frame("ready");
    const manager = await (await stack.bus("policy")).manager();
    const { config } = await manager.streams.info("EVENTS_demo");
    await manager.streams.delete("EVENTS_demo");
    // The server removes a stream's files a moment after it has said so; until then it cannot make the new one.
    const anew = { ...config, metadata: { sluice_epoch: "ffffffffffff" } };
    await waitFor("the log is made anew", () =>
      manager.streams.add(anew).then(
        () => true,
        () => false,
      ),
    );
    expect(JSON.parse((await live.frame("reset")).data)).toEqual({ reason: "epoch" });
    await publish("new log", 2);
    expect(await live.receive(2)).toEqual(texts("new log", 2));
    await using back = await open(id);
    expect(JSON.parse((await back.frame("reset")).data)).toEqual({ reason: "epoch" });
  });
});

function open(lastEventId?: string): Promise<EventStream> {
  return openEventStream(`${stack.streamUrl}/v1/stream?topic=push.>`, {
    token,
    ...(lastEventId === undefined ? {} : { lastEventId }),
  });
}

async function publish(text: string, count: number): Promise<void> {
  for (const message of texts(text, count)) await demo.publish("events.demo.push.event.k", message);
}

function texts(text: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${text} ${index}`);
}
