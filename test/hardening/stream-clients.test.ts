import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEventStream } from "#test/support/event-stream.ts";
import { ask as askRaw, type RawAnswer, rawRequest, type RawRequest } from "#test/support/raw-request.ts";
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

describe("a request as not every client makes it", () => {
  test.each(["http://edge", "HTTP://EDGE", "http://edge:80"])(
    "is served: its target begins with %s",
    async (origin) => {
      await using socket = await openRawSocket(stack.edge.ports.http);
      socket.write(requestOf({}).replace("GET ", `GET ${origin}`));
      expect(await socket.until("event: ready")).toContain("200 OK");
    },
  );

  test("is served though its client closes its side behind it", async () => {
    await using socket = await openRawSocket(stack.edge.ports.http);
    socket.write(requestOf({}));
    socket.end();
    await socket.until("event: ready");
    await demo.publish("events.demo.issues.opened.k", "to a client that is silent for good");
    await socket.until("to a client that is silent for good");
  });

  test("is refused where it must be, though its client closes its side behind it", async () => {
    await using socket = await openRawSocket(stack.edge.ports.http);
    socket.write(requestOf({ path: "/nowhere" }));
    socket.end();
    expect(await socket.text()).toContain("not_found");
  });

  test.each([
    ["a line end", [], "\r\n"],
    ["an empty chunked body", ["Transfer-Encoding: chunked"], "0\r\n\r\n"],
    ["a body", ["Content-Length: 5"], "hello"],
  ])("is served though %s comes late", async (_, headers, late) => {
    await using socket = await openRawSocket(stack.edge.ports.http);
    socket.write(requestOf({ headers }));
    await socket.until("event: ready");
    socket.write(late);
    await demo.publish("events.demo.issues.opened.k", `behind ${late.length} late bytes`);
    await socket.until(`behind ${late.length} late bytes`);
  });

  test("is served over HTTP/1.1 where it offers h2c", async () => {
    await using socket = await openRawSocket(stack.edge.ports.http);
    socket.write(
      requestOf({ headers: ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"] }),
    );
    expect(await socket.until("event: ready")).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  test("frees its place once a client that had closed its side is gone", async () => {
    await using edge = await stack.startEdge({ STREAM_MAX_CONNECTIONS: "1" });
    const socket = await openRawSocket(edge.ports.http);
    socket.write(requestOf({}));
    socket.end();
    await socket.until("event: ready");
    await socket[Symbol.asyncDispose]();
    const declared = { headers: ["X-Sluice-Client: js/1.0"], token: "none" };
    await expect.poll(() => ask(declared, edge.ports.http)).toMatchObject({ status: 401 });
  });
});

describe("a page of another origin", () => {
  const origin = "https://app.example.com";

  test("on the list may send every header that clients send, and read what they read", async () => {
    await using edge = await stack.startEdge({ STREAM_ALLOWED_ORIGINS: origin });
    for (const path of ["/v1/stream", "/v1/streams/w-1/token"]) {
      const preflight = await ask({ method: "OPTIONS", path, headers: [`Origin: ${origin}`] }, edge.ports.http);
      expect(preflight.status).toBe(204);
      const allowed = /^access-control-allow-headers: (.*)\r$/im.exec(preflight.text)?.[1]?.split(/, ?/);
      expect(allowed).toEqual(
        expect.arrayContaining([
          ..."authorization cache-control content-type last-event-id traceparent tracestate".split(" "),
          ..."x-auth-token x-sluice-client".split(" "),
        ]),
      );
    }
    const url = `http://127.0.0.1:${edge.ports.http}/v1/stream?topic=issues.>`;
    await using stream = await openEventStream(url, { token, headers: { origin } });
    const readable = String(stream.headers["access-control-expose-headers"]).split(", ");
    expect(readable).toEqual(expect.arrayContaining(["x-connection-id", "x-request-id", "x-access-token-renewed"]));
    const refused = await ask({ headers: [`Origin: ${origin}`], token: "none" }, edge.ports.http);
    expect(refused.text).toMatch(/^access-control-allow-origin: https:\/\/app\.example\.com\r$/im);
  });

  test("that is not on the list is allowed nothing", async () => {
    const preflight = await ask({ method: "OPTIONS", headers: [`Origin: ${origin}`] });
    expect(preflight.text).not.toMatch(/^access-control-allow-origin:/im);
  });
});

function requestOf(request: Partial<RawRequest>): string {
  return rawRequest({ token, ...request });
}

function ask(request: Partial<RawRequest>, port = stack.edge.ports.http): Promise<RawAnswer> {
  return askRaw(port, { token, ...request });
}
