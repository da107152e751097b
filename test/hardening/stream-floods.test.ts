import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EventStream, openEventStream } from "#test/support/event-stream.ts";
import { createPollClient } from "#test/support/poll-client.ts";
import { readMetric } from "#test/support/read-metric.ts";
import { waitFor } from "#test/support/wait.ts";
import { openRawSocket } from "#test/support/raw-socket.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";

let stack: Stack;
let demo: Bus;
let token: string;

beforeAll(async () => {
  stack = await startStack();
  demo = await stack.bus("demo");
  token = (await stack.login("alice")).access_token;
});
afterAll(() => stack[Symbol.asyncDispose]());

test("two thousand requests that never end hinder nobody, and are told 408", async () => {
  await using healthy = await open();
  await healthy.frame("ready");
  const before = await rssMiB();
  const sockets = await Promise.all(Array.from({ length: 2_000 }, () => openRawSocket(stack.edge.ports.http)));
  for (const socket of sockets) socket.write("GET /v1/stream?topic=issues.%3E HTTP/1.1\r\nHost: edge\r\nX-Slow:");
  await using newcomer = await open();
  await newcomer.frame("ready");
  await demo.publish("events.demo.issues.opened.k", "meanwhile");
  expect(await healthy.receive(1)).toEqual(["meanwhile"]);
  expect((await rssMiB()) - before).toBeLessThan(128);
  const answers = await Promise.all(sockets.map((socket) => socket.text()));
  expect(answers.filter((answer) => answer.startsWith("HTTP/1.1 408 "))).toHaveLength(2_000);
});

test("a thousand polls that are left hanging cost nobody anything once their clients are gone", async () => {
  await using healthy = await open();
  await healthy.frame("ready");
  const before = await rssMiB();
  using client = createPollClient(stack.edge.ports.http, token);
  const { next } = await client.poll("topic=issues.>");
  const sockets = await Promise.all(Array.from({ length: 1_000 }, () => openRawSocket(stack.edge.ports.http)));
  for (const socket of sockets) socket.write(pollBehind(next));
  const openStreams = () => readMetric(stack.edge, "sluice_stream_connections");
  await waitFor("all wait", async () => (await openStreams()) === 1_001);
  await Promise.all(sockets.map((socket) => socket[Symbol.asyncDispose]()));
  await waitFor("one stream is left", async () => (await openStreams()) === 1);
  await demo.publish("events.demo.issues.opened.k", "after the polls");
  expect(await healthy.receive(1)).toEqual(["after the polls"]);
  expect((await rssMiB()) - before).toBeLessThan(128);
});

test("an event of 8 MB is refused by the bus, and one that the bus takes and the edge does not harms no stream", async () => {
  await using stream = await open();
  await stream.frame("ready");
  await expect(demo.publish("events.demo.issues.opened.k", "x".repeat(8_000_000))).rejects.toThrow(/max_payload/i);
  await demo.publish("events.demo.issues.opened.k", "x".repeat(1_000_000));
  await demo.publish("events.demo.issues.opened.k", "small");
  expect((await stream.receive(2)).map((text) => text.length)).toEqual([1_000_000, 5]);
});

function pollBehind(id: string): string {
  const lines = ["GET /v1/poll?topic=issues.%3E HTTP/1.1", "Host: edge", `Authorization: Bearer ${token}`];
  return `${[...lines, `Last-Event-ID: ${id}`].join("\r\n")}\r\n\r\n`;
}

function open(): Promise<EventStream> {
  return openEventStream(`${stack.streamUrl}/v1/stream?topic=issues.>`, { token });
}

/** What the edge's process holds of the machine's memory. */
async function rssMiB(): Promise<number> {
  const status = await readFile(`/proc/${stack.edge.child.process.pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1_024;
}
