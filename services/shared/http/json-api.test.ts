import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { recordingTracer } from "#test/rigs/recording-tracer.ts";
import { openRawSocket } from "#test/support/raw-socket.ts";
import { waitFor } from "#test/support/wait.ts";
import { SocketBudget } from "./socket-budget.ts";
import { OPS_LIMITS } from "./socket-limits.ts";
import { callContextOf, createApiServer, createJsonApi, readJson, readJsonIfAny } from "./json-api.ts";

const ORIGIN = "https://app.example.com";

const WELCOME = {
  name: "Sluice: names",
  about: "It keeps names.",
  links: [{ href: "/names/x", text: "a name" }],
};

const MAX_BODY_BYTES = 400_000;

const schema = z.object({ name: z.string() });
let server: ReturnType<typeof createApiServer>;
let logged: unknown[];
let tracer: ReturnType<typeof recordingTracer>;
let url: string;
let isEndlessOpen: boolean;
let slow: PromiseWithResolvers<void>;

beforeEach(async () => {
  logged = [];
  const log = {
    write: (level: string, _kind: string, facts: object) => void logged.push({ level, ...facts }),
    [Symbol.dispose]() {},
  };
  tracer = recordingTracer();
  const api = createJsonApi({ maxBodyBytes: MAX_BODY_BYTES, allowedOrigins: [ORIGIN], welcome: WELCOME }, log, tracer);
  api.get("/trace", (c) => c.json(callContextOf(c)));
  api.get("/for-all", (c) => c.json({}, 200, { "access-control-allow-origin": "*" }));
  api.post("/names/:name", async (c) => c.json(await readJson(c, schema)));
  api.post("/perhaps", async (c) => c.json((await readJsonIfAny(c, schema)) ?? { name: "nobody" }));
  api.get("/names/:name", (c) => c.json({ name: c.req.param("name") }));
  slow = Promise.withResolvers();
  api.post("/slow", async (c) => {
    await slow.promise;
    return c.json({ said: await c.req.text() });
  });
  isEndlessOpen = true;
  api.get("/endless", (c) => {
    const body = new ReadableStream<Uint8Array>({ cancel: () => void (isEndlessOpen = false) });
    return c.body(body, 200, { "content-type": "text/event-stream" });
  });
  api.get("/broken", () => {
    throw new Error("broken");
  });
  server = createApiServer(api, new SocketBudget(OPS_LIMITS)).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.close();
  server.closeAllConnections();
  await once(server, "close");
});

test("its root says what this is and where to go: to browsers as a page that loads nothing, to others as JSON", async () => {
  const page = await fetch(url, { headers: { accept: "text/html,*/*;q=0.8" } });
  expect(page.headers.get("content-security-policy")).toMatch(/^default-src 'none'; style-src 'sha256-/);
  expect(await page.text()).toContain('<a href="/names/x">');
  const json = await fetch(url, { headers: { origin: ORIGIN } });
  expect(json.headers.get("vary")?.toLowerCase()).toMatch(/accept.*origin|origin.*accept/);
  expect(await json.json()).toMatchObject({ name: WELCOME.name, links: { "/names/x": "a name" } });
});

test("a method that a path does not have is told those it has", async () => {
  const answer = await fetch(`${url}/names/x`, { method: "DELETE" });
  expect(answer.status).toBe(405);
  expect(answer.headers.get("allow")).toBe("POST, GET, HEAD, OPTIONS");
  expect(await answer.json()).toMatchObject({ code: "method_not_allowed" });
  expect((await fetch(`${url}/nowhere`, { method: "DELETE" })).status).toBe(404);
});

test("a body that answers HEAD is ended, and its headers are told", async () => {
  const answer = await fetch(`${url}/endless`, { method: "HEAD" });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("text/event-stream");
  expect(answer.headers.get("x-request-id")).toBeTruthy();
  expect(isEndlessOpen).toBe(false);
});

test("a body in another encoding is refused: its names would be others", async () => {
  const answer = await fetch(`${url}/names/x`, { method: "POST", body: Buffer.from('{"name":"Zo\xEB"}', "latin1") });
  expect(await answer.json()).toMatchObject({ code: "malformed_request", detail: "the body is not UTF-8" });
});

test("a body that may be left out is one like others where it is there", async () => {
  const post = async (body?: string | Buffer<ArrayBuffer>): Promise<unknown> =>
    (await fetch(`${url}/perhaps`, { method: "POST", ...(body !== undefined && { body }) })).json();
  expect(await post()).toEqual({ name: "nobody" });
  expect(await post('{"name":"Zo\u00eb"}')).toEqual({ name: "Zo\u00eb" });
  const latin = Buffer.from('{"name":"Zo\xEB"}', "latin1");
  expect(await post(latin)).toMatchObject({ code: "malformed_request", detail: "the body is not UTF-8" });
});

test.each([
  ["POST", "/nowhere", "HTTP/1.1 404"],
  ["DELETE", "/names/x", "HTTP/1.1 405"],
])("a connection goes on behind a body that nobody reads: %s %s", async (method, path, status) => {
  await using socket = await openRawSocket((server.address() as AddressInfo).port);
  const body = "x".repeat(MAX_BODY_BYTES);
  socket.write(`${method} ${path} HTTP/1.1\r\nHost: e\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  socket.write("GET /names/x HTTP/1.1\r\nHost: e\r\nConnection: close\r\n\r\n");
  const text = await socket.text();
  expect(text).toContain(status);
  expect(text).toContain('{"name":"x"}');
});

test("each refusal is one line with its request's id, whatever refuses it", async () => {
  const headers = { "x-request-id": "r-1" };
  const requests: [string, RequestInit][] = [
    ["/nowhere", {}],
    ["/names/x", { method: "DELETE" }],
    ["/names/x", { method: "POST", body: "{" }],
    ["/names/x", { method: "POST", body: "x".repeat(MAX_BODY_BYTES + 1) }],
  ];
  for (const [path, init] of requests) {
    const answer = await fetch(`${url}${path}`, { ...init, headers });
    expect(answer.headers.get("x-request-id")).toBe("r-1");
    expect(await answer.json()).toMatchObject({ instance: "urn:sluice:request:r-1" });
  }
  expect(logged).toMatchObject([
    { requestId: "r-1", method: "GET", path: "/nowhere", code: "not_found" },
    { code: "method_not_allowed" },
    { code: "malformed_request", detail: "the body is not JSON" },
    { code: "body_too_large" },
  ]);
  expect((await fetch(`${url}/names/x`, { headers })).headers.get("x-request-id")).toBe("r-1");
});

test("what is answered is a line, too, at debug where it only reads", async () => {
  const headers = {
    "x-request-id": "r-2",
    "user-agent": "test/1",
    traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
  };
  await fetch(`${url}/names/x`, { headers });
  await fetch(`${url}/names/x`, { method: "POST", body: '{"name":"x"}', headers });
  const about = { requestId: "r-2", path: "/names/x", status: 200, address: "127.0.0.1", userAgent: "test/1" };
  expect(logged.slice(-2)).toMatchObject([
    { ...about, method: "GET", level: "debug", traceId: "a".repeat(32) },
    { ...about, method: "POST", level: "info", ms: expect.any(Number) },
  ]);
});

describe("a target that a router would change, and a second Host", () => {
  test.each([
    ["/x/../names/x", "Host: e", "HTTP/1.1 400"],
    ["/./names/x", "Host: e", "HTTP/1.1 400"],
    ["/%6eames/x", "Host: e", "HTTP/1.1 400"],
    ["//names/x", "Host: e", "HTTP/1.1 404"],
    ["/names/x", "Host: e\r\nHost: e", "HTTP/1.1 400"],
    ["/names/x", "Host: e f", "HTTP/1.1 400"],
    ["/names/x", "Host: e", "HTTP/1.1 200"],
  ])("%s, %j: %s", async (target, hosts, status) => {
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    socket.write(`GET ${target} HTTP/1.1\r\nConnection: close\r\n${hosts}\r\n\r\n`);
    const text = await new Response(socket as never).text();
    expect(text).toContain(status);
    expect(text.includes('"instance":"urn:sluice:request:')).toBe(!status.endsWith("200"));
  });
});

describe("a page", () => {
  test("of an origin on the list may send what clients send", async () => {
    const headers = {
      origin: ORIGIN,
      "access-control-request-method": "POST",
      "access-control-request-headers": "ce-id, CE-Priority,ce-_vil,x-other",
    };
    const preflight = await fetch(`${url}/names/x`, { method: "OPTIONS", headers });
    expect(preflight.status).toBe(204);
    const allowed = preflight.headers.get("access-control-allow-headers")?.split(/, ?/);
    expect(allowed).toEqual(
      expect.arrayContaining(["traceparent", "tracestate", "baggage", "x-sluice-client", "last-event-id"]),
    );
    expect(allowed).toEqual(expect.arrayContaining(["if-match", "if-none-match", "ce-id", "ce-priority"]));
    expect(allowed?.filter((name) => /vil|other/.test(name))).toEqual([]);
  });

  test("of an origin on the list may read refusals too, of another one nothing", async () => {
    const [listed, other] = [ORIGIN, "https://evil.example"].map((origin) => ({ headers: { origin } }));
    expect((await fetch(`${url}/nowhere`, listed)).headers.get("access-control-allow-origin")).toBe(ORIGIN);
    const forAll = (await fetch(`${url}/for-all`, listed)).headers;
    expect(forAll.get("access-control-allow-origin")).toBe("*");
    // Browsers refuse `*` together with credentials.
    expect(forAll.has("access-control-allow-credentials")).toBe(false);
    expect((await fetch(`${url}/names/x`, other)).headers.get("access-control-allow-origin")).toBeNull();
  });
});

test("a failure that nobody expects is logged; a client that breaks off its body is not one", async () => {
  const { port } = server.address() as AddressInfo;
  const isOver = new Promise<void>((resolve) => server.once("connection", (socket) => socket.once("close", resolve)));
  const client = connect(port, "127.0.0.1").on("error", () => {});
  client.write("POST /names/x HTTP/1.1\r\nHost: e\r\nContent-Length: 100\r\n\r\n{");
  await once(server, "request");
  client.resetAndDestroy();
  await isOver;
  expect((await fetch(`${url}/broken`)).status).toBe(500);
  await waitFor("the failure is logged", () => logged.length > 0);
  expect(logged).toMatchObject([{ err: new Error("broken"), method: "GET", path: "/broken" }]);
});

describe("a client that closes its side", () => {
  const open = () => {
    const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
    const { port } = server.address() as AddressInfo;
    return { client: connect({ port, host: "127.0.0.1", allowHalfOpen: true }), accepted };
  };

  test("behind its request still reads the answer, and the connection is closed then", async () => {
    const { client, accepted } = open();
    client.end("POST /slow HTTP/1.1\r\nHost: e\r\nContent-Length: 2\r\n\r\nhi");
    await once(await accepted, "end");
    slow.resolve();
    expect(await new Response(client as never).text()).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*"said":"hi"/);
  });

  test("while it is answered has left", async () => {
    const { client } = open();
    client.write("GET /endless HTTP/1.1\r\nHost: e\r\n\r\n");
    await once(client, "data");
    client.end();
    await waitFor("the answer is given up", () => !isEndlessOpen);
    client.destroy();
  });
});

test("a request of HTTP/1.0 needs no Host", async () => {
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  client.write("GET /names/x HTTP/1.0\r\n\r\n");
  expect(await new Response(client as never).text()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
});

describe("a request's span", () => {
  const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";

  test("is named by its route, which names nobody, and believes nobody that it is recorded", async () => {
    await fetch(`${url}/names/alice?token=secret`, { headers: { traceparent: `${TRACE}-01` } });
    expect(tracer.spans).toMatchObject([
      {
        name: "GET /names/:name",
        kind: "server",
        trust: "stranger",
        parent: `${TRACE}-01`,
        said: { "http.route": "/names/:name", "http.response.status_code": 200 },
        ended: "ok",
      },
    ]);
    expect(JSON.stringify(tracer.spans)).not.toMatch(/alice|secret/);
  });

  test("is what the calls for the request carry; one that is not recorded passes its trace on", async () => {
    const contextFor = async (traceparent: string) =>
      (await fetch(`${url}/trace`, { headers: { traceparent } })).json() as Promise<object>;
    expect(await contextFor(`${TRACE}-01`)).toMatchObject({ traceparent: tracer.spans[0]?.traceparent });
    expect(await contextFor(`${TRACE}-00`)).toMatchObject({ traceparent: `${TRACE}-00` });
  });

  test("has failed where the fault is ours, and not where it is the caller's", async () => {
    await fetch(`${url}/broken`);
    await fetch(`${url}/nowhere`);
    expect(tracer.spans.map(({ name, ended }) => [name, ended])).toEqual([
      ["GET /broken", "500"],
      ["GET", "ok"],
    ]);
  });

  test("is named by the line about its refusal", async () => {
    await fetch(`${url}/nowhere`, { headers: { traceparent: `${TRACE}-00` } });
    expect(logged).toMatchObject([{ traceId: TRACE.split("-")[1], spanId: TRACE.split("-")[2] }]);
  });
});
