import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EventStream, openEventStream } from "#test/support/event-stream.ts";
import { freePort } from "#test/support/ports.ts";
import { ask as askRaw, type RawAnswer, rawRequest, type RawRequest } from "#test/support/raw-request.ts";
import { openRawSocket } from "#test/support/raw-socket.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";

const TOPIC = "topic=issues.>";

let stack: Stack;
let demo: Bus;
let token: string;

beforeAll(async () => {
  stack = await startStack();
  demo = await stack.bus("demo");
  token = (await stack.login("alice")).access_token;
});
afterAll(() => stack[Symbol.asyncDispose]());

describe("a request for what may not be had", () => {
  test("is told no_topic_granted where not one topic is granted", async () => {
    expect(await ask({ query: "topic=push.>&topic=audit.>" })).toMatchObject({ status: 403, code: "no_topic_granted" });
    await using one = await open("topic=push.>&topic=issues.>");
    expect(one.status).toBe(200);
  });

  test.each([
    "topic=",
    "topic=*",
    "topic=order.%00x",
    "topic=a%20.b",
    "topic=..%2F..",
    `topic=${"x".repeat(4_096)}`,
    "from=now",
  ])("is told malformed_topic: %s", async (query) =>
    expect(await ask({ query })).toMatchObject({ status: 400, code: "malformed_topic" }),
  );

  test("may name 100 topics, and not 101", async () => {
    const topics = (count: number): string =>
      Array.from({ length: count }, (_, index) => `topic=issues.k${index}`).join("&");
    await using most = await open(topics(100));
    expect(most.status).toBe(200);
    expect(await ask({ query: topics(101) })).toMatchObject({ status: 400, code: "malformed_topic" });
  });

  test.each([
    ["format=xml", "malformed_request"],
    ["from=yesterday", "malformed_request"],
    ["events=all", "malformed_request"],
    ["surprise=1", "unsupported_parameter"],
  ])("is told what is wrong with %s", async (parameter, code) => {
    expect(await ask({ query: `${TOPIC}&${parameter}` })).toMatchObject({ status: 400, code });
  });

  test("is told not_acceptable where it accepts no event stream", async () => {
    for (const accept of [
      "application/json",
      "text/html, application/xml;q=0.9",
      "text/event-streams",
      "",
      "text/event-stream;q=0",
      "*/*;q=0",
    ]) {
      expect(await ask({ headers: [`Accept: ${accept}`] })).toMatchObject({ status: 406, code: "not_acceptable" });
    }
  });

  test.each([
    "text/event-stream",
    "text/event-stream; charset=utf-8",
    "*/*",
    "text/*;q=0.1",
    "application/json, TEXT/EVENT-STREAM;q=1",
  ])("is served where it accepts %s", async (accept) => {
    await using stream = await open(TOPIC, { accept });
    expect(stream.status).toBe(200);
  });

  test.each(["POST", "PUT", "DELETE", "PATCH"])("is told which method to use instead of %s", async (method) => {
    const answer = await ask({ method });
    expect(answer).toMatchObject({ status: 405, code: "method_not_allowed" });
    expect(answer.text).toMatch(/^allow: GET, OPTIONS\r$/im);
  });

  test("is told the same without a body for HEAD", async () => {
    const answer = await ask({ method: "HEAD" });
    expect(answer).toMatchObject({ status: 405, code: undefined });
  });

  test.each(["/v1/streams", "/v1/stream/", "/V1/STREAM", "//v1/stream"])(
    "is told that there is nothing at %s",
    async (path) => expect(await ask({ path })).toMatchObject({ status: 404, code: "not_found" }),
  );

  test.each([
    "/v1/stream/../secret",
    "/x/../v1/stream",
    "/v1/./stream",
    "/x/%2e%2E/v1/stream",
    "/v1\\stream",
    "/v1/stream#x",
  ])("is told malformed_request at %s, which is two paths for two readers", async (path) =>
    expect(await ask({ path })).toMatchObject({ status: 400, code: "malformed_request" }),
  );

  test("is told which method to use at every other path too", async () => {
    const answer = await ask({ path: "/v1/streams/w-1/token" });
    expect(answer).toMatchObject({ status: 405, code: "method_not_allowed" });
    expect(answer.text).toMatch(/^allow: POST, OPTIONS\r$/im);
  });
});

describe("headers", () => {
  test("of 90 KB are taken, of 100 KB are refused with a problem, and the next request is served", async () => {
    await using large = await open(TOPIC, { cookie: `theme=${"x".repeat(90_000)}` });
    expect(large.status).toBe(200);
    const answer = await ask({ headers: [`Cookie: theme=${"x".repeat(100_000)}`] });
    expect(answer).toMatchObject({ status: 431, code: "too_many_headers" });
    await expectServed();
  });

  test("of 200 KB, and a target of 1 MB, are refused with 431", async () => {
    expect((await ask({ headers: [`Cookie: theme=${"x".repeat(200_000)}`] })).status).toBe(431);
    expect((await ask({ query: `topic=${"x".repeat(1_000_000)}` })).status).toBe(431);
    await expectServed();
  });

  test("may be 100: what is beyond would not be looked at, even where it is a token", async () => {
    // Host, Authorization and Connection are three of them.
    const others = (count: number): string[] => Array.from({ length: count }, (_, index) => `X-${index}: y`);
    expect(await ask({ path: "/nowhere", headers: others(97) })).toMatchObject({ status: 404 });
    for (const count of [98, 200]) {
      const answer = await ask({ path: "/nowhere", headers: others(count) });
      expect(answer).toMatchObject({ status: 431, code: "too_many_headers" });
    }
  });

  test("with two Authorizations are refused where they differ", async () => {
    const other = (await stack.login("bob")).access_token;
    const answer = await ask({ headers: [`Authorization: Bearer ${other}`] });
    expect(answer).toMatchObject({ status: 400, code: "conflicting_tokens" });
  });

  test("with a Last-Event-ID of 10 KB get their stream, and are told reset", async () => {
    await using stream = await open(TOPIC, { "last-event-id": "a".repeat(10_000) });
    expect(stream.status).toBe(200);
    expect(JSON.parse((await stream.frame("reset")).data)).toEqual({ reason: "unknown_id" });
  });

  test("with two Last-Event-IDs are told reset", async () => {
    const ids = ["Last-Event-ID: aaaaaaaa.1.a", "Last-Event-ID: aaaaaaaa.2.b"];
    await using socket = await openRawSocket(stack.edge.ports.http);
    socket.write(requestOf({ headers: ids }));
    expect(await socket.until("event: reset")).toContain("200 OK");
  });
});

describe("bytes that are no request", () => {
  const malformed = {
    "a line that says nothing": "HELLO\r\n\r\n",
    "a path with a NUL": "GET /v1/stream\0x HTTP/1.1\r\nHost: edge\r\n\r\n",
    "a header with a NUL": "GET /v1/stream HTTP/1.1\r\nHost: edge\r\nX-Auth-Token: a\0b\r\n\r\n",
    "a header without a name": "GET /v1/stream HTTP/1.1\r\nHost: edge\r\n: x\r\n\r\n",
    "a folded header": "GET /v1/stream HTTP/1.1\r\nHost: edge\r\nX-A: b\r\n c\r\n\r\n",
    "no host": "GET /v1/stream HTTP/1.1\r\n\r\n",
    "a lone CR as a line end": "GET /v1/stream HTTP/1.1\rHost: edge\r\n\r\n",
    "a length beside chunks":
      "GET / HTTP/1.1\r\nHost: e\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    TLS: "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
    "a target that is no path": "GET edge:443 HTTP/1.1\r\nHost: edge\r\n\r\n",
    "another protocol": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  };
  test.each(Object.entries(malformed))("are told 400 and closed: %s", async (_, bytes) => {
    await using socket = await openRawSocket(stack.edge.ports.http);
    socket.write(bytes);
    expect(await socket.text()).toMatch(/^HTTP\/1\.1 400 /);
    await expectServed();
  });

  test.each(["http://other/v1/stream", "https://edge/v1/stream", "http://u:p@edge/v1/stream", "*"])(
    "are told malformed_request: a target %s",
    async (path) => expect(await ask({ path })).toMatchObject({ status: 400, code: "malformed_request" }),
  );

  test("are told malformed_request: a second Host, whatever it is", async () => {
    for (const host of ["Host: other", "Host: edge"]) {
      expect(await ask({ headers: [host] })).toMatchObject({ status: 400, code: "malformed_request" });
    }
  });
});

describe("a second request on the socket of a stream", () => {
  test("cuts it: two people's streams never share a socket", async () => {
    const { access_token: other } = await stack.login("bob");
    await using socket = await openRawSocket(stack.edge.ports.http);
    socket.write(requestOf({}) + requestOf({ token: other }));
    expect(await socket.text()).not.toContain("event: ready");
    await expectServed();
  });

  test("is not answered into the stream, which goes on", async () => {
    await using socket = await openRawSocket(stack.edge.ports.http);
    socket.write(requestOf({}));
    await socket.until("event: ready");
    socket.write(requestOf({ path: "/nowhere" }));
    await demo.publish("events.demo.issues.opened.k", "after the second request");
    expect((await socket.until("after the second request")).match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });

  test("is not taken for the answer to one that is still being answered", async () => {
    const { access_token: other } = await stack.login("bob");
    await using socket = await openRawSocket(stack.edge.ports.http);
    const first = requestOf({ method: "POST", path: "/v1/streams/w-1/token", headers: ["Content-Length: 0"] });
    socket.write(first + requestOf({ token: other }));
    expect(await socket.text()).not.toContain("event: ready");
    await expectServed();
  });

  test("is served where the first one was refused", async () => {
    await using socket = await openRawSocket(stack.edge.ports.http);
    socket.write(requestOf({ query: "topic=push.>" }));
    await socket.until("no_topic_granted");
    socket.write(requestOf({}));
    expect(await socket.until("event: ready")).toContain("200 OK");
  });
});

describe("now is not the time", () => {
  test("is a 200 that ends with busy for an EventSource, and a 503 for a declared client", async () => {
    const dead = { AUTH_GRPC_URL: `127.0.0.1:${await freePort()}`, STREAM_HANDSHAKE_MS: "500" };
    await using edge = await stack.startEdge(dead);
    await using plain = await open(TOPIC, {}, edge.ports.http);
    expect(plain.status).toBe(200);
    expect(plain.headers["content-type"]).toMatch(/^text\/event-stream/);
    const busy = JSON.parse((await plain.frame("busy")).data) as { retryMs: number };
    await plain.closed();
    expect(Number(/^retry: (\d+)$/m.exec(plain.raw())?.[1])).toBe(busy.retryMs);
    expect(busy.retryMs).toBeGreaterThanOrEqual(1_000);
    expect(plain.raw()).not.toContain("event: ready");

    const declared = await ask({ headers: ["X-Sluice-Client: js/1.0"] }, edge.ports.http);
    expect(declared).toMatchObject({ status: 503, code: "unavailable" });
    expect(Number(/^retry-after: (\d+)\r$/im.exec(declared.text)?.[1])).toBeGreaterThanOrEqual(1);
  });

  test("is told to one stream more than the edge may hold", async () => {
    await using edge = await stack.startEdge({ STREAM_MAX_CONNECTIONS: "2" });
    await using first = await open(TOPIC, {}, edge.ports.http);
    await using second = await open(TOPIC, {}, edge.ports.http);
    await Promise.all([first.frame("ready"), second.frame("ready")]);
    await using third = await open(TOPIC, {}, edge.ports.http);
    await third.frame("busy");
    await third.closed();
    await first[Symbol.asyncDispose]();
    const declared = { headers: ["X-Sluice-Client: js/1.0"], token: "none" };
    await expect.poll(() => ask(declared, edge.ports.http)).toMatchObject({ status: 401 });
  });
});

function requestOf(request: Partial<RawRequest>): string {
  return rawRequest({ token, ...request });
}

function ask(request: Partial<RawRequest>, port = stack.edge.ports.http): Promise<RawAnswer> {
  return askRaw(port, { token, ...request });
}

function open(query = TOPIC, headers: Record<string, string> = {}, port = stack.edge.ports.http): Promise<EventStream> {
  return openEventStream(`http://127.0.0.1:${port}/v1/stream?${query}`, { token, headers });
}

async function expectServed(): Promise<void> {
  await using stream = await open();
  await stream.frame("ready");
}
