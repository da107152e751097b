import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ChunkReader } from "#test/support/chunk-reader.ts";
import { openRawSocket } from "#test/support/raw-socket.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import type { RunningService } from "#test/support/start-service.ts";

let stack: Stack;
let demo: Bus;
let token: string;

beforeAll(async () => {
  stack = await startStack();
  demo = await stack.bus("demo");
  token = (await stack.login("bob")).access_token;
});
afterAll(() => stack[Symbol.asyncDispose]());

describe("a stream over HTTP/1.1", () => {
  test("is chunked, and complete once it has said why it ends", async () => {
    const edge = await stack.startEdge();
    await using socket = await openRawSocket(edge.ports.http);
    socket.write(requestOf("HTTP/1.1"));
    await socket.until("event: ready");
    await demo.publish("events.demo.push.event.k", "one\ntwo");
    await socket.until("data: two");
    await edge.child.end("SIGTERM");
    const { head, body } = parted(await socket.text());
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r$/m);
    expect(head).toMatch(/^transfer-encoding: chunked\r$/im);
    expect(head).toMatch(/^connection: close\r$/im);
    expect(head).not.toMatch(/^content-length:/im);
    const chunks = new ChunkReader();
    const text = chunks.read(Buffer.from(body, "latin1")).toString();
    expect(chunks.isComplete).toBe(true);
    expect(text).toMatch(/^retry: \d+\nevent: ready\n/);
    expect(text).toContain("data: one\ndata: two\n\n");
    expect(text).toMatch(/event: bye\ndata: .*\n\n$/);
  });

  test("ends for a fetch client as it should where the edge ends it, and with an error where the edge is killed", async () => {
    const ended = await stack.startEdge();
    const reading = await read(ended);
    await ended.child.end("SIGTERM");
    expect(await reading.end).toMatch(/event: bye\ndata: .*\n\n$/);

    const killed = await stack.startEdge();
    const broken = await read(killed);
    await killed.child.end("SIGKILL");
    expect(await broken.end).toEqual(new TypeError("terminated"));
  });

  test("is complete where it is only a busy", async () => {
    await using edge = await startFullEdge();
    const text = await (await open(edge)).text();
    expect(text).toMatch(/^retry: \d+\nevent: busy\ndata: .*\n\n$/);
  });
});

describe("a stream over HTTP/1.0", () => {
  test("is bare, and ends with its connection", async () => {
    const edge = await stack.startEdge();
    await using socket = await openRawSocket(edge.ports.http);
    socket.write(requestOf("HTTP/1.0"));
    await socket.until("event: ready");
    await edge.child.end("SIGTERM");
    const { head, body } = parted(await socket.text());
    expect(head).not.toMatch(/^(transfer-encoding|content-length|connection):/im);
    expect(body).toMatch(/^retry: \d+\nevent: ready\n/);
    expect(body).toMatch(/event: bye\ndata: .*\n\n$/);
  });

  test("is bare also where it is only a busy", async () => {
    await using edge = await startFullEdge();
    await using socket = await openRawSocket(edge.ports.http);
    socket.write(requestOf("HTTP/1.0"));
    const { head, body } = parted(await socket.text());
    expect(head).not.toMatch(/^transfer-encoding:/im);
    expect(body).toMatch(/^retry: \d+\nevent: busy\ndata: .*\n\n$/);
  });
});

function requestOf(version: string): string {
  return `GET /v1/stream?topic=push.> ${version}\r\nHost: edge\r\nAuthorization: Bearer ${token}\r\n\r\n`;
}

function parted(answer: string): { head: string; body: string } {
  const end = answer.indexOf("\r\n\r\n") + 4;
  return { head: answer.slice(0, end), body: answer.slice(end) };
}

function open(edge: RunningService): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, "accept-encoding": "identity" };
  return fetch(`http://127.0.0.1:${edge.ports.http}/v1/stream?topic=push.>`, { headers });
}

/** An edge that has as many streams as it may. */
async function startFullEdge(): Promise<RunningService> {
  const edge = await stack.startEdge({ STREAM_MAX_CONNECTIONS: "1" });
  await read(edge);
  return edge;
}

/** Opens a stream by fetch, and answers once it is ready; `end` is all that came, or the error with which it broke off. */
async function read(edge: RunningService): Promise<{ readonly end: Promise<unknown> }> {
  const response = await open(edge);
  const ready = Promise.withResolvers<void>();
  const readAll = async (): Promise<string> => {
    let text = "";
    for await (const bytes of response.body ?? []) {
      text += Buffer.from(bytes as Uint8Array).toString();
      if (text.includes("event: ready")) ready.resolve();
    }
    return text;
  };
  const end = readAll().catch((error: unknown) => error);
  await ready.promise;
  return { end };
}
