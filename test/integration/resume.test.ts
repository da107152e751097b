import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEventStream, type EventStream } from "#test/support/event-stream.ts";
import { type Bus, type Stack, startStack, urlThrough } from "#test/support/start-stack.ts";
import { startTcpProxy } from "#test/support/tcp-proxy.ts";

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
      await expectReset(id, ["epoch", "unknown_id"]);
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

describe("an id that may be the client's own", () => {
  test("of another tenant's log is told as reset, and nothing of either log is replayed", async () => {
    const { access_token: mallory } = await stack.login("mallory", "rival");
    const rival = await stack.bus("rival");
    await using theirs = await openEventStream(`${stack.streamUrl}/v1/stream?topic=push.>`, { token: mallory });
    await theirs.frame("ready");
    await rival.publish("events.rival.push.event.k", "of rival");
    await theirs.receive(1);
    await expectReset(theirs.lastId() ?? "", ["epoch"]);
  });

  test("with any part of it changed is told as reset", async () => {
    await using probe = await open();
    await probe.frame("ready");
    await publish("probed", 2);
    await probe.receive(2);
    const [epoch = "", seq = "", tag = ""] = (probe.lastId() ?? "").split(".");
    await expectReset(`${epoch.slice(0, -1)}${epoch.endsWith("0") ? 1 : 0}.${seq}.${tag}`, ["epoch"]);
    await expectReset(`${epoch}.${Number(seq) - 1}.${tag}`, ["tail_lost"]);
    await expectReset(`${epoch}.${seq}.${tag}x`, ["tail_lost"]);
    await expectReset(`${epoch}.${seq}9.${tag}`, ["tail_lost"]);
    await expectReset(`${epoch}.-${seq}.${tag}`, ["unknown_id"]);
    await expectReset(`${epoch}.9007199254740992.${tag}`, ["unknown_id"]);
    await expectReset(`${epoch}.9223372036854775808.${tag}`, ["unknown_id"]);
    await expectReset(`${epoch}.${seq}.${"a".repeat(10_000)}`, ["unknown_id"]);
  });

  test("counts as a parameter too, unless there is a header", async () => {
    const first = await open();
    const { id = "" } = await first.frame("ready");
    await first[Symbol.asyncDispose]();
    await publish("by parameter", 1);
    const url = `${stack.streamUrl}/v1/stream?topic=push.>&lastEventId=`;
    await using byParameter = await openEventStream(url + id, { token });
    expect(await byParameter.receive(1)).toEqual(texts("by parameter", 1));
    await using byHeader = await openEventStream(`${url}forged`, { token, lastEventId: id });
    expect(await byHeader.receive(1)).toEqual(texts("by parameter", 1));
    await using forged = await openEventStream(`${url}${"a".repeat(5_000)}`, { token });
    expect(JSON.parse((await forged.frame("reset")).data)).toEqual({ reason: "unknown_id" });
  });

  test("ahead of what its edge has read is waited for: another edge was nearer to the log", async () => {
    await using slow = await startTcpProxy(stack.nats.port);
    await using behind = await stack.startEdge({ NATS_URL: urlThrough(slow.port, stack.nats.url("stream")) });
    const url = `http://127.0.0.1:${behind.ports.http}/v1/stream?topic=push.>`;
    await using early = await openEventStream(url, { token });
    await using ahead = await open();
    await Promise.all([early.frame("ready"), ahead.frame("ready")]);
    slow.set({ delayMs: 300 });
    await publish("ahead", 1);
    await ahead.receive(1);
    await using back = await openEventStream(url, { token, lastEventId: ahead.lastId() ?? "" });
    expect((await back.frame("ready")).id).toBe(ahead.lastId());
    await publish("after it", 1);
    expect(await back.receive(1)).toEqual(texts("after it", 1));
  });

  test("is bound to its message also where delivery began at a time", async () => {
    await publish("before the time", 1);
    await new Promise<void>((resolve) => setTimeout(resolve, 5));
    const url = `${stack.streamUrl}/v1/stream?topic=push.>&from=${new Date().toISOString()}`;
    await using stream = await openEventStream(url, { token });
    expect((await stream.frame("ready")).id).not.toMatch(/\.0$/);
    const [epoch, seq] = ((await stream.frame("ready")).id ?? "").split(".");
    await expectReset(`${epoch}.${seq}.other`, ["tail_lost"]);
  });

  test("whose own message is gone is good as long as the next one is there", async () => {
    const first = await open();
    await first.frame("ready");
    await publish("evicted", 3);
    await first.receive(3);
    const second = first.frames.find(({ data }) => data === "evicted 1")?.id ?? "";
    await first[Symbol.asyncDispose]();
    const manager = await (await stack.bus("policy")).manager();
    await manager.streams.purge("EVENTS_demo", { seq: Number(second.split(".")[1]) + 1 });
    await using other = await stack.startEdge();
    const url = `http://127.0.0.1:${other.ports.http}/v1/stream?topic=push.>`;
    await using back = await openEventStream(url, { token, lastEventId: second });
    expect((await back.frame("ready")).id).toBe(second);
    expect(await back.receive(1)).toEqual(["evicted 2"]);
    expect(back.frames.some(({ event }) => event === "gap" || event === "reset")).toBe(false);
  });
});

/** The id is answered with 200 and a reset, and only what is published from now on comes. */
async function expectReset(id: string, reasons: readonly string[]): Promise<void> {
  await using stream = await open(id);
  expect(stream.status).toBe(200);
  expect(reasons).toContain(JSON.parse((await stream.frame("reset")).data).reason);
  expect((await stream.frame("ready")).id).toBeUndefined();
  await publish("fresh", 1);
  expect(await stream.receive(1)).toEqual(texts("fresh", 1));
}

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
