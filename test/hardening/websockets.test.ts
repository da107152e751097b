import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { openRoad } from "#test/support/open-road.ts";
import { openRawSocket } from "#test/support/raw-socket.ts";
import { readMetric } from "#test/support/read-metric.ts";
import { requireOk } from "#test/support/require-ok.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

let stack: Stack;
let demo: Bus;
let token: string;

beforeAll(async () => {
  stack = await startStack();
  demo = await stack.bus("demo");
  token = (await stack.login("bob")).access_token;
});
afterAll(() => stack[Symbol.asyncDispose]());

/** A handshake's headers; `undefined` leaves one out. */
type Headers = Readonly<Record<string, string | undefined>>;

describe("a handshake that is none", () => {
  test.each<[string, Headers, number, string]>([
    ["another version", { "Sec-WebSocket-Version": "8" }, 426, "upgrade_required"],
    ["no version", { "Sec-WebSocket-Version": undefined }, 426, "upgrade_required"],
    ["Upgrade left out, as a proxy does it", { Upgrade: undefined, Connection: "close" }, 426, "upgrade_required"],
    ["Connection left out", { Connection: "keep-alive" }, 426, "upgrade_required"],
    ["no key", { "Sec-WebSocket-Key": undefined }, 400, "malformed_request"],
    ["a short key", { "Sec-WebSocket-Key": "c2hvcnQ=" }, 400, "malformed_request"],
    ["another subprotocol alone", { "Sec-WebSocket-Protocol": "mqtt" }, 400, "malformed_request"],
    ["two tokens", { "Sec-WebSocket-Protocol": "sluice.v1, sluice.bearer.abc" }, 400, "conflicting_tokens"],
    ["a token that is none", { Authorization: "Bearer x.y.z" }, 401, "token_invalid"],
    ["no token", { Authorization: undefined }, 401, "token_missing"],
  ])("is told what is wrong with %s", async (_, headers, status, code) => {
    const answer = await ask(headers);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toContain(`"code":"${code}"`);
    expect(/\r\nsec-websocket-version: 13\r\n/i.test(answer)).toBe(status === 426);
  });

  test("over HTTP/1.0 is refused, and Upgrade to anything else is no WebSocket", async () => {
    expect(await ask({}, "HTTP/1.0")).toContain('"code":"malformed_request"');
    const h2c = { Upgrade: "h2c", "Sec-WebSocket-Key": undefined, Accept: "text/event-stream" };
    await using socket = await openRawSocket(stack.edge.ports.http);
    socket.write(requestOf(h2c));
    expect(await socket.until("event: ready")).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });
});

describe("a page of another site", () => {
  test("does not get in by the cookie, and does with a token of its own", async () => {
    const cookie = { Authorization: undefined, Cookie: `auth_token=${token}` };
    expect(await ask({ ...cookie, Origin: "https://evil.example" })).toContain('"code":"cross_site"');
    expect(await ask({ ...cookie, "Sec-Fetch-Site": "cross-site" })).toContain('"code":"cross_site"');
    for (const headers of [
      { ...cookie, Origin: "http://edge.example", Host: "edge.example" },
      cookie,
      { Origin: "https://evil.example" },
    ]) {
      await using socket = await openRawSocket(stack.edge.ports.http);
      socket.write(requestOf(headers));
      expect(await socket.until('"event":"ready"')).toMatch(/^HTTP\/1\.1 101 /);
    }
  });
});

describe("a client that is refused for now", () => {
  test("is told by a frame and a code where it is a page, and by a status where it is not", async () => {
    await using full = await stack.startEdge({ STREAM_MAX_CONNECTIONS: "1" });
    const url = `http://127.0.0.1:${full.ports.http}/v1/stream?topic=push.>`;
    await using first = await openRoad("websocket", url, { token });
    await first.frame("ready");
    const page = new WebSocket(url.replace(/^http/, "ws"), ["sluice.v1"], {
      headers: bearer(),
      origin: "https://a.example",
    });
    const [[message], [code]] = await Promise.all([once(page, "message"), once(page, "close")]);
    expect(JSON.parse(String(message))).toMatchObject({ event: "busy", retry: expect.any(Number) });
    expect(code).toBe(4029);
    await using program = await openRoad("websocket", url, { token });
    expect(program.status).toBe(503);
    expect(Number(program.headers["retry-after"])).toBeGreaterThan(0);
    await using lines = await openRoad("ndjson", url, { token });
    expect(await lines.frame("busy")).toMatchObject({ data: expect.stringContaining("retryMs") });
  });
});

describe("a client that is open", () => {
  test("and sends frames that are not masked, or more than it may, is closed and takes nobody with it", async () => {
    await using other = await openRoad("websocket", urlOf(stack.edge), { token });
    await other.frame("ready");
    await using raw = await openRawSocket(stack.edge.ports.http);
    raw.write(requestOf({}));
    await raw.until('"event":"ready"');
    raw.write("\x81\x05hello");
    // 1002, a fault of the protocol.
    expect((await raw.text()).endsWith("\x88\x02\x03\xea")).toBe(true);

    const flood = new WebSocket(urlOf(stack.edge).replace(/^http/, "ws"), { headers: bearer() });
    await once(flood, "message");
    const closed = once(flood, "close");
    for (let sent = 0; sent < 1_000; sent += 1) flood.send("x");
    expect((await closed)[0]).toBe(1008);
    await demo.publish("events.demo.push.event.k", "for the other");
    expect(await other.receive(1)).toEqual(["for the other"]);
  });

  test("and behind is reset when its right is over: no last word comes behind what waits", async () => {
    const { access_token } = await stack.login("bob");
    const slow = await openRoad("websocket", urlOf(stack.edge), { token: access_token, compresses: false });
    await slow.frame("ready");
    slow.pause(true);
    await Promise.all(Array.from({ length: 100 }, () => demo.publish("events.demo.push.event.k", "x".repeat(100_000))));
    const revoked = (): Promise<number> => readMetric(stack.edge, 'sluice_stream_ended_total{reason="revoked"}');
    const before = await revoked();
    const headers = { authorization: `Bearer ${access_token}` };
    await requireOk(fetch(`${stack.authUrl}/v1/auth/logout`, { method: "POST", headers }));
    await waitFor("it is cut", async () => (await revoked()) > before);
    slow.pause(false);
    expect(await slow.closed()).toBe(1006);
    expect(slow.events().length).toBeLessThan(100);
    expect(slow.frames.some(({ event }) => event === "auth_error")).toBe(false);
  });
});

function urlOf({ ports }: RunningService): string {
  return `http://127.0.0.1:${ports.http}/v1/stream?topic=push.>`;
}

function bearer(): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

function requestOf(headers: Headers, version = "HTTP/1.1"): string {
  const all: Headers = {
    Host: "edge",
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
    Authorization: `Bearer ${token}`,
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return [`GET /v1/stream?topic=push.> ${version}`, ...lines, "", ""].join("\r\n");
}

/** Asks, and answers what the edge says until it closes, or to the end of a problem document. */
async function ask(headers: Headers, version?: string): Promise<string> {
  await using socket = await openRawSocket(stack.edge.ports.http);
  socket.write(requestOf(headers, version));
  return await socket.until('"code"');
}
