import { once } from "node:events";
import { type AddressInfo, BlockList, createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { TRANSPORTS } from "#shared/protocol/transports.ts";
import { createAdmission } from "#test/rigs/admission.ts";
import { silentObserver } from "#test/rigs/silent-observer.ts";
import { openRawSocket } from "#test/support/raw-socket.ts";
import { RetryDelays } from "../sse/retry-delay.ts";
import { createEarlyRefusals, knock } from "./turn-away.ts";

const REQUEST = "GET /v1/stream?topic=a HTTP/1.1\r\nHost: edge\r\n\r\n";
const DECLARED = REQUEST.replace("\r\n\r\n", "\r\nX-Sluice-Client: test\r\n\r\n");

let stack = new AsyncDisposableStack();
afterEach(async () => {
  await stack.disposeAsync();
  stack = new AsyncDisposableStack();
});

/** A port whose clients come from 192.0.2.1, which may ask twice in a minute; what is let on is told so. */
async function open() {
  const state = { isRefusing: false };
  const limits = {
    connectionsPerSession: 9,
    connectionsPerSubject: 9,
    connectionsPerAddress: 9,
    handshakesPerSubjectPerMinute: 9,
    handshakesPerAddressPerMinute: 2,
    pollsPerSubjectPerMinute: 9,
    pollsPerAddressPerMinute: 3,
  };
  const gate = { admission: createAdmission(10, { limits }), overload: state };
  const edge = {
    ...gate,
    retryDelays: new RetryDelays({ now: () => 0, random: () => 0 }),
    transports: { all: TRANSPORTS },
    observer: silentObserver(),
  };
  const trusted = { proxies: new BlockList(), header: "forwarded" as const };
  const take = createEarlyRefusals({ edge, allowedOrigins: [], trusted });
  const server = createServer({ allowHalfOpen: true }, (socket: Socket) => {
    Object.defineProperty(socket, "remoteAddress", { value: "192.0.2.1" });
    take(socket, () =>
      socket
        .on("error", () => {})
        .resume()
        .end("let on"),
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  stack.defer(async () => void (await once(server.close(), "close")));
  const ask = async (request: string): Promise<string> => {
    await using socket = await openRawSocket((server.address() as AddressInfo).port);
    socket.write(request);
    return await socket.text();
  };
  return { state, gate, ask };
}

test("an address that has asked as often as it may is turned away as soon as it asks again", async () => {
  const { gate, ask } = await open();
  expect([knock(gate, "192.0.2.1"), await ask(REQUEST)]).toEqual([undefined, "let on"]);
  knock(gate, "192.0.2.1");
  expect(await ask(REQUEST)).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nretry: 1000\nevent: busy\n.*"address_rate"/);
  expect(await ask(DECLARED)).toMatch(/^HTTP\/1\.1 429 [^]*\r\nretry-after: [12]\r\n/);
  expect(await ask(REQUEST.replace("stream", "streams"))).toBe("let on");
});

test("an overloaded edge turns every client away until it is calm", async () => {
  const { state, gate, ask } = await open();
  state.isRefusing = true;
  expect(knock(gate, undefined)).toBe("overload");
  expect(await ask(REQUEST)).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nretry: 1000\nevent: busy\n.*"overload"/);
  expect(await ask(DECLARED)).toMatch(/^HTTP\/1\.1 503 [^]*\r\nretry-after: [12]\r\n/);
  state.isRefusing = false;
  expect(await ask(REQUEST)).toBe("let on");
});

test("a client of another road is told so by that road: lines of JSON, a page's WebSocket, or a status", async () => {
  const { state, ask } = await open();
  state.isRefusing = true;
  const adding = (...headers: string[]): string => REQUEST.replace("\r\n\r\n", `\r\n${headers.join("\r\n")}\r\n\r\n`);
  const lines = await ask(adding("Accept: application/x-ndjson"));
  expect(lines).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*content-type: application\/x-ndjson\r\n/);
  expect(JSON.parse(lines.split("\r\n\r\n")[1] ?? "")).toMatchObject({ event: "busy", retry: 1_000 });

  const upgrade = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="];
  const page = [...upgrade, "Origin: https://a.example", "Sec-WebSocket-Protocol: sluice.bearer.x, sluice.v1"];
  const socket = await ask(adding(...page));
  // The accept of the key as RFC 6455, section 1.3, has it.
  expect(socket).toMatch(/^HTTP\/1\.1 101 [^]*\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/);
  expect(socket).toMatch(/\r\nSec-WebSocket-Protocol: sluice\.v1\r\n[^]*"event":"busy"/);
  // A close frame with 4029.
  expect(socket.endsWith("\x88\x02\x0f\xbd")).toBe(true);
  expect(await ask(adding(...upgrade))).toMatch(/^HTTP\/1\.1 503 [^]*\r\nretry-after: [12]\r\n/);
  const broken = page.map((line) => line.replace("dGhlIHNhbXBsZSBub25jZQ==", "x\ty"));
  expect(await ask(adding(...broken))).toMatch(/^HTTP\/1\.1 503 /);
});
