import { createServer, type Server } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { listen } from "./listen.ts";

let server: Server;

beforeEach(() => {
  server = createServer();
});
afterEach(() => void server.close());

test.each([
  ["STREAM_HTTP_PORT", "192.0.2.1", "EADDRNOTAVAIL", "set STREAM_BIND_ADDRESS to an address of this machine"],
  ["AUTH_GRPC_PORT", "localhost:7001", "ENOTFOUND", "set AUTH_GRPC_BIND_ADDRESS to an address of this machine"],
  ["AUTH_OPS_PORT", "2001:db8::1", "EADDRNOTAVAIL", "set AUTH_OPS_BIND_ADDRESS to an address of this machine"],
])(
  "an address that is not this machine's is named, by the setting beside %s: %s",
  async (setting, host, code, advice) => {
    const said = await listen(server, { host, port: 0, setting }).catch((error: Error) => error.message);
    expect(said).toMatch(new RegExp(`^cannot listen on .*:0 \\((?:${code}|EAI_AGAIN|EAFNOSUPPORT)\\); ${advice}$`));
  },
);

test("an IPv6 address may stand in brackets", async () => {
  expect(await listen(server, { host: "[::1]", port: 0, setting: "STREAM_HTTP_PORT" })).toBeGreaterThan(0);
});
