import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openRawSocket } from "#test/support/raw-socket.ts";
import { SocketBudget } from "./socket-budget.ts";
import { OPS_LIMITS } from "./socket-limits.ts";
import { createApiServer, createJsonApi } from "./json-api.ts";

const WELCOME = { name: "lengths", about: "It tells lengths.", links: [] };

let server: ReturnType<typeof createApiServer>;

beforeEach(async () => {
  const api = createJsonApi(
    { maxBodyBytes: 1_024, allowedOrigins: [], welcome: WELCOME },
    { write() {}, [Symbol.dispose]() {} },
  );
  api.get("/length", (c) => c.text(String(c.req.header("authorization")?.length)));
  server = createApiServer(api, new SocketBudget(OPS_LIMITS)).listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(async () => {
  server.close();
  server.closeAllConnections();
  await once(server, "close");
});

/** The whole answer to this text on a connection of its own. */
async function answerTo(text: string): Promise<string> {
  await using socket = await openRawSocket((server.address() as AddressInfo).port);
  socket.write(text);
  return await socket.text();
}

function requestWith(characters: number): string {
  return `GET /length HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: ${"x".repeat(characters)}\r\n\r\n`;
}

test("a token of 64 KB in a header reaches its route", async () => {
  expect(await answerTo(requestWith(65_536))).toMatch(/^HTTP\/1\.1 200 .*65536/s);
});

test("headers of more than 96 KB are refused with a problem document", async () => {
  const answer = await answerTo(requestWith(98_304));
  expect(answer).toMatch(/^HTTP\/1\.1 431 .*content-type: application\/problem\+json/s);
  expect(JSON.parse(answer.split("\r\n\r\n")[1] ?? "")).toMatchObject({ status: 431, code: "too_many_headers" });
});

test("what is no request gets the bare answer of node:http", async () => {
  expect(await answerTo("nonsense\r\n\r\n")).toBe("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
});
