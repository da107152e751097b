import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ReadinessReason } from "#shared/lifecycle/readiness.ts";
import { isOpsHost, opsHostsSchema } from "./ops-hosts.ts";
import { type OpsServer, startOpsServer } from "./ops-server.ts";

let server: OpsServer;
let reasons: ReadinessReason[];

beforeEach(async () => {
  reasons = [];
  server = await startOpsServer(
    { host: "127.0.0.1", port: 0, setting: "AUTH_OPS_PORT", hosts: ["auth.ops"] },
    {
      service: "auth",
      config: { bySource: { environment: { NATS_URL: "nats://***@h" }, demo: {}, default: {} } },
      metrics: { getMetricsAsJSON: () => Promise.reject(new Error("no figures")) },
      reasons: async () => reasons,
      pages: { "/debug/things": () => ["a"] },
    },
  );
});
afterEach(() => server[Symbol.asyncDispose]());

/** The whole answer to a request with these Host headers. */
function ask(path: string, hosts: readonly string[]): Promise<string> {
  const socket = connect(server.port, "127.0.0.1");
  socket.end(`GET ${path} HTTP/1.1\r\nConnection: close\r\n${hosts.map((host) => `Host: ${host}\r\n`).join("")}\r\n`);
  return new Response(socket as never).text();
}

test("the root names every page", async () => {
  const answer = await fetch(`http://127.0.0.1:${server.port}/`);
  expect(Object.keys(((await answer.json()) as { links: object }).links)).toEqual([
    "/healthz",
    "/readyz",
    "/metrics",
    "/debug/settings",
    "/debug/things",
  ]);
});

describe("/readyz", () => {
  test("is 200 while nothing is wrong", async () => {
    const answer = await fetch(`http://127.0.0.1:${server.port}/readyz`);
    expect([answer.status, await answer.json()]).toEqual([200, { ready: true }]);
  });

  test("is 503 with every reason while something is", async () => {
    reasons.push({ code: "redis_unusable", detail: "READONLY" });
    const answer = await fetch(`http://127.0.0.1:${server.port}/readyz`);
    expect([answer.status, await answer.json()]).toEqual([503, { ready: false, reasons }]);
  });
});

test("/debug/settings says which service it is, what it was set to, and why it takes no new work", async () => {
  reasons.push({ code: "redis_unusable", detail: "READONLY" });
  const answer = await fetch(`http://127.0.0.1:${server.port}/debug/settings`);
  expect(await answer.json()).toEqual({
    service: "auth",
    version: expect.any(String),
    reasons,
    settings: { environment: { NATS_URL: "nats://***@h" }, demo: {}, default: {} },
  });
});

test("a page that fails is told 500, and the next one is answered", async () => {
  const at = `http://127.0.0.1:${server.port}`;
  expect((await fetch(`${at}/metrics`)).status).toBe(500);
  expect(await (await fetch(`${at}/debug/things`)).json()).toEqual(["a"]);
});

describe("the Host of a request", () => {
  test.each(["127.0.0.1", "127.0.0.1:8091", "10.1.2.3:8091", "[::1]:8091", "LOCALHOST", "auth.ops:8091", "Auth.Ops."])(
    "may be %s",
    async (host) => expect(await ask("/healthz", [host])).toMatch(/^HTTP\/1\.1 200 /),
  );

  test.each([
    "evil.example",
    "127.0.0.1.evil.example:8091",
    "auth.ops.evil.example",
    "localhost.evil.example",
    "2130706433",
    "x@127.0.0.1",
    "",
  ])("may not be %j: DNS rebinding", async (host) =>
    expect(await ask("/metrics", [host])).toMatch(/^HTTP\/1\.1 421 [^]*OPS_ALLOWED_HOSTS/),
  );

  test("stands once", async () => {
    expect(await ask("/healthz", ["127.0.0.1", "127.0.0.1"])).toMatch(/^HTTP\/1\.1 400 /);
  });
});

test.each([
  ["POST", "/healthz", 405, "method_not_allowed"],
  ["DELETE", "/debug/things", 405, "method_not_allowed"],
  ["OPTIONS", "/metrics", 405, "method_not_allowed"],
  ["GET", "/nothing", 404, "not_found"],
  ["GET", "/metrics", 500, "internal"],
])("%s %s is refused by a problem document: %i %s", async (method, path, status, code) => {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method, headers: { "x-request-id": "r-1" } });
  expect([answer.status, answer.headers.get("content-type")]).toEqual([status, "application/problem+json"]);
  expect(answer.headers.get("allow")).toBe(status === 405 ? "GET, HEAD" : null);
  expect(await answer.json()).toMatchObject({ status, code, instance: "urn:sluice:request:r-1" });
});

test.each(["//readyz", "/x/../readyz", "/./readyz", "/readyz/", "/%72eadyz", "/constructor"])(
  "%s is no page",
  async (path) => {
    expect(await ask(path, ["127.0.0.1"])).toMatch(/^HTTP\/1\.1 404 /);
  },
);

test("listed names are read without case, spaces and the last dot; anything but a name is refused", () => {
  expect(opsHostsSchema.parse(" Auth.Ops. ,prometheus,")).toEqual(["auth.ops", "prometheus"]);
  for (const text of ["*", "auth:8091", "http://auth"])
    expect(() => opsHostsSchema.parse(text)).toThrow("must be host names");
  expect(isOpsHost("anything", opsHostsSchema.parse(undefined))).toBe(false);
});
