import { inflateRawSync } from "node:zlib";
import { EventSource } from "eventsource";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EventStream, openEventStream } from "#test/support/event-stream.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

/** The ten bytes that a gzip body begins with. */
const GZIP_HEAD_BYTES = 10;

let stack: Stack;
let demo: Bus;
let token: string;

beforeAll(async () => {
  stack = await startStack();
  demo = await stack.bus("demo");
  token = (await stack.login("bob")).access_token;
});
afterAll(() => stack[Symbol.asyncDispose]());

describe("a stream for a client that takes gzip", () => {
  test("tells it what everybody else is told, in fewer bytes", async () => {
    await using plain = await open("identity");
    await using compressed = await open("gzip");
    await Promise.all([plain.frame("ready"), compressed.frame("ready")]);
    expect(plain.headers["content-encoding"]).toBeUndefined();
    expect(compressed.headers).toMatchObject({
      "content-encoding": "gzip",
      vary: expect.stringContaining("Accept-Encoding"),
    });
    const texts = Array.from({ length: 50 }, (_, index) => `${index} ${"lorem ipsum ".repeat(index * 4)}\nsecond line`);
    for (const text of texts) await demo.publish("events.demo.push.event.k", text);
    expect(await compressed.receive(50)).toEqual(texts);
    expect(await plain.receive(50)).toEqual(texts);
    expect(compressed.body().length).toBeLessThan(plain.body().length / 2);
  });

  test("is written the same bytes as to everybody else who may see the same", async () => {
    const readers = await Promise.all([open("gzip"), open("gzip"), open("gzip")]);
    await Promise.all(readers.map((reader) => reader.frame("ready")));
    const [first, ...others] = await waitFor(
      "an event comes to all, and to none of them a beat beside it",
      async () => {
        const before = readers.map((reader) => [reader.body().length, reader.raw().length] as const);
        await demo.publish("events.demo.push.event.k", "the same for all ".repeat(100));
        await Promise.all(readers.map((reader) => reader.receive(reader.events().length + 1)));
        const isAlone = readers.every((reader, index) => blocksIn(reader.raw().slice(before[index]?.[1])) === 1);
        return isAlone && readers.map((reader, index) => reader.body().subarray(before[index]?.[0]));
      },
    );
    expect(first?.length).toBeGreaterThan(0);
    for (const other of others) expect(other.equals(first ?? Buffer.alloc(0))).toBe(true);
    await Promise.all(readers.map((reader) => reader[Symbol.asyncDispose]()));
  });

  test("catches up, and ends, as every other", async () => {
    const edge = await stack.startEdge();
    await using first = await open("gzip", edge.ports.http);
    const { id } = await first.frame("ready");
    await first[Symbol.asyncDispose]();
    const texts = Array.from({ length: 300 }, (_, index) => `${index} ${"x".repeat(1_000)}`);
    for (const text of texts) await demo.publish("events.demo.push.event.k", text);
    await using second = await open("gzip", edge.ports.http, id);
    expect(await second.receive(300)).toEqual(texts);
    await edge.child.end("SIGTERM");
    await second.closed();
    expect(second.frames.at(-1)?.event).toBe("bye");
    // Without `finishFlush` this throws unless the deflate stream has its last block.
    expect(inflateRawSync(second.body().subarray(GZIP_HEAD_BYTES)).toString()).toBe(second.raw());
  });

  test("is read by an EventSource that asks for it by itself", async () => {
    let coding: string | null = null;
    const source = new EventSource(`${stack.streamUrl}/v1/stream?topic=push.>`, {
      fetch: async (url, init) => {
        const response = await fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });
        coding = response.headers.get("content-encoding");
        return response;
      },
    });
    const received: string[] = [];
    source.addEventListener("message", ({ data }) => received.push(data as string));
    await new Promise((resolve) => source.addEventListener("ready", resolve, { once: true }));
    const texts = ["short", "long ".repeat(500), "short again"];
    for (const text of texts) await demo.publish("events.demo.push.event.k", text);
    await waitFor("all events", () => received.length === 3);
    source.close();
    expect(coding).toBe("gzip");
    expect(received).toEqual(texts);
  });
});

function blocksIn(text: string): number {
  return text.split("\n\n").length - 1;
}

function open(coding: "gzip" | "identity", port = stack.edge.ports.http, lastEventId?: string): Promise<EventStream> {
  return openEventStream(`http://127.0.0.1:${port}/v1/stream?topic=push.>`, {
    token,
    headers: { "accept-encoding": coding },
    ...(lastEventId === undefined ? {} : { lastEventId }),
  });
}
