import { afterAll, beforeAll, expect, test } from "vitest";
import { openEventStream, type EventStream } from "#test/support/event-stream.ts";
import { type Stack, startStack } from "#test/support/start-stack.ts";

let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

test("a reader that stops reading costs nobody else anything, is given up, and resumes without loss", async () => {
  const demo = await stack.bus("demo");
  const { access_token: token } = await stack.login("bob");
  const open = (lastEventId?: string): Promise<EventStream> =>
    openEventStream(`${stack.streamUrl}/v1/stream?topic=push.>`, {
      token,
      ...(lastEventId === undefined ? {} : { lastEventId }),
    });
  const slow = await open();
  await using healthy = await open();
  const { id } = await slow.frame("ready");
  await healthy.frame("ready");
  slow.pause(true);
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
  await expect.poll(connections, { timeout: 20_000 }).toHaveLength(1);

  slow.pause(false);
  await slow.closed();
  const got = slow.events();
  expect(got.length).toBeLessThan(400);
  expect(got).toEqual(texts.slice(0, got.length));
  await using again = await open(got.length === 0 ? id : slow.lastId());
  await again.receive(400 - got.length);
  expect([...got, ...again.events()].every((text, index) => text === texts[index])).toBe(true);
}, 60_000);
