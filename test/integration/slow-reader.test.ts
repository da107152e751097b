import { afterAll, beforeAll, expect, test } from "vitest";
import type { Transport } from "#shared/protocol/transports.ts";
import { openRoad, type RoadStream } from "#test/support/open-road.ts";
import { type Stack, startStack } from "#test/support/start-stack.ts";

let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

test("readers that stop reading cost nobody else anything, are given up, and resume without loss, by another road too", async () => {
  const demo = await stack.bus("demo");
  const { access_token: token } = await stack.login("bob");
  const open = (road: Transport, lastEventId?: string): Promise<RoadStream> =>
    openRoad(road, `${stack.streamUrl}/v1/stream?topic=push.>`, {
      token,
      compresses: false,
      ...(lastEventId === undefined ? {} : { lastEventId }),
    });
  const slow = await Promise.all([open("sse"), open("websocket")]);
  await using healthy = await open("sse");
  const begins = await Promise.all(slow.map((stream) => stream.frame("ready")));
  await healthy.frame("ready");
  for (const stream of slow) stream.pause(true);
  const payload = "x".repeat(100_000);
  const texts = Array.from({ length: 400 }, (_, index) => `${index} ${payload}`);
  const published = texts.map((text) => demo.publish("events.demo.push.event.k", text));
  await Promise.all(published);
  await healthy.receive(400);

  // What the kernels hold of 40 MB is a few of them; the edge gives the socket up after 10 s without progress.
  const connections = async (): Promise<{ waitsFor: string }[]> =>
    (await fetch(`http://127.0.0.1:${stack.edge.ports.ops}/debug/connections`)).json() as Promise<
      { waitsFor: string }[]
    >;
  await expect.poll(connections, { timeout: 60_000 }).toHaveLength(1);

  for (const [place, stream] of slow.entries()) {
    stream.pause(false);
    await stream.closed();
    const got = stream.events();
    expect(got.length).toBeLessThan(400);
    expect(got).toEqual(texts.slice(0, got.length));
    const last = got.length === 0 ? begins[place]?.id : stream.frames.findLast(({ id }) => id !== undefined)?.id;
    await using again = await open(place === 0 ? "ndjson" : "sse", last);
    await again.receive(400 - got.length);
    expect([...got, ...again.events()].every((text, index) => text === texts[index])).toBe(true);
  }
});
