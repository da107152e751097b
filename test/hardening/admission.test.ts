import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EventStream, openEventStream } from "#test/support/event-stream.ts";
import { openRawSocket } from "#test/support/raw-socket.ts";
import { readMetric } from "#test/support/read-metric.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { type Stack, startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

const PATH = "/v1/stream?topic=issues.%3E";

let stack: Stack;
let token: string;
/** Two edges that count together. */
let edges: [RunningService, RunningService];

beforeAll(async () => {
  stack = await startStack();
  token = (await stack.login("alice")).access_token;
  const shared = {
    REDIS_URL: stack.redis.streamUrl,
    STREAM_CONNECTIONS_PER_SUBJECT: "4",
    STREAM_TRUSTED_PROXIES: "127.0.0.1",
    STREAM_LIMITS_SHARED_BY: "2",
  };
  edges = await Promise.all([stack.startEdge(shared), stack.startEdge(shared)]);
  for (const edge of edges) await countsTogether(edge, 1);
});
afterAll(() => stack[Symbol.asyncDispose]());

describe("two edges that share a Redis", () => {
  test("give a person as many streams as they may have, and not one more, whichever edge is asked", async () => {
    const [one, two] = edges;
    const streams = await Promise.all([one, two].flatMap((edge) => [1, 2].map(() => open(edge))));
    for (const stream of streams) await stream.frame("ready");
    for (const edge of edges) await untilRefused(edge);
    await streams[0]?.[Symbol.asyncDispose]();
    await waitFor("there is room at the other edge", () => isTaken(two));
    await Promise.all(streams.map((stream) => stream[Symbol.asyncDispose]()));
    for (const edge of edges) {
      await waitFor("their places are free", async () => (await readMetric(edge, "sluice_stream_connections")) === 0);
    }
  });

  test("keep to their shares while Redis is away, and count together again when it is back", async () => {
    const [one, two] = edges;
    await stack.redis.stop();
    for (const edge of edges) await countsTogether(edge, 0);
    const streams = await Promise.all([one, one, two, two].map((edge) => open(edge)));
    for (const stream of streams) await stream.frame("ready");
    for (const edge of edges) expect(await refusedBy(edge)).toBe("subject_streams");
    await stack.redis.start();
    for (const edge of edges) await countsTogether(edge, 1);
    await streams[0]?.[Symbol.asyncDispose]();
    await streams[1]?.[Symbol.asyncDispose]();
    const third = await waitFor("the other edge has room beyond its share", () => take(two));
    await Promise.all([third, ...streams].map((stream) => stream[Symbol.asyncDispose]()));
  });
});

const LIMIT = { STREAM_HANDSHAKES_PER_ADDRESS_PER_MINUTE: "2" };
const knock = async (edge: RunningService, headers: Record<string, string>) => {
  const answer = await fetch(`http://127.0.0.1:${edge.ports.http}${PATH}`, {
    headers: { "x-sluice-client": "test", ...headers },
  });
  const { code } = (await answer.json()) as { code: string };
  return [answer.status, code, Number(answer.headers.get("retry-after")) > 0];
};

const LEFT = [401, "token_missing", false];
const GONE = [429, "too_many_requests", true];

describe("where a client says it comes from", () => {
  test("counts where a trusted proxy says it, by its last word, and a network of IPv6 is one", async () => {
    await using edge = await stack.startEdge({ ...LIMIT, STREAM_TRUSTED_PROXIES: "127.0.0.1" });
    const from = (address: string) => knock(edge, { "x-forwarded-for": address });
    expect([await from("192.0.2.1"), await from("192.0.2.1")]).toEqual([LEFT, LEFT]);
    expect(await from("192.0.2.1")).toEqual(GONE);
    expect(await from("203.0.113.7, 192.0.2.1")).toEqual(GONE);
    expect(await from("192.0.2.1, 192.0.2.2")).toEqual(LEFT);
    expect([await from("2001:db8:1:2::1"), await from("2001:db8:1:2::2")]).toEqual([LEFT, LEFT]);
    expect(await from("2001:db8:1:2:ffff::3")).toEqual(GONE);
    expect(await from("2001:db8:1:3::1")).toEqual(LEFT);
    expect(await readMetric(edge, 'sluice_stream_refused_total{reason="address_rate"}')).toBe(3);
  });

  test("counts however a request is written, and one that stands behind another when its turn comes", async () => {
    const polls = { STREAM_POLLS_PER_ADDRESS_PER_MINUTE: "2" };
    await using edge = await stack.startEdge({ ...LIMIT, ...polls, STREAM_TRUSTED_PROXIES: "127.0.0.1" });
    const ask = async (address: string, ...targets: string[]): Promise<string[]> => {
      await using socket = await openRawSocket(edge.ports.http);
      const headers = `Host: edge\r\nX-Sluice-Client: test\r\nX-Forwarded-For: ${address}\r\n`;
      const requests = targets.map((target) => `GET ${target} HTTP/1.1\r\n${headers}`);
      socket.write(`${requests.join("\r\n")}Connection: close\r\n\r\n`);
      return (await socket.text()).match(/(?<=HTTP\/1\.1 )\d+/g) ?? [];
    };
    const poll = "/v1/poll?topic=a.b";
    expect(await ask("192.0.2.1", poll, poll, poll, poll)).toEqual(["401", "401", "429"]);
    const whole = `http://edge${PATH}`;
    expect([await ask("192.0.2.2", whole), await ask("192.0.2.2", whole)]).toEqual([["401"], ["401"]]);
    expect(await ask("192.0.2.2", whole)).toEqual(["429"]);
  });

  test("is the PROXY protocol's client, and a trusted proxy without such a header is shut out", async () => {
    const setting = { ...LIMIT, STREAM_TRUSTED_PROXIES: "127.0.0.1", STREAM_PROXY_PROTOCOL: "v2" };
    await using edge = await stack.startEdge(setting);
    const ask = async (header: string): Promise<string> => {
      await using socket = await openRawSocket(edge.ports.http);
      const request = `GET ${PATH} HTTP/1.1\r\nHost: edge\r\nX-Sluice-Client: test\r\nConnection: close\r\n\r\n`;
      socket.write(Buffer.concat([Buffer.from(header, "hex"), Buffer.from(request)]).toString("latin1"));
      return (await socket.text()).split("\r\n")[0] ?? "";
    };
    const HEADER = "0d0a0d0a000d0a515549540a2111000cc0000207c6336401d43101bb";
    expect([await ask(HEADER), await ask(HEADER)]).toEqual(["HTTP/1.1 401 Unauthorized", "HTTP/1.1 401 Unauthorized"]);
    expect(await ask(HEADER)).toBe("HTTP/1.1 429 Too Many Requests");
    expect(await ask(HEADER.replace("c0000207", "c0000208"))).toBe("HTTP/1.1 401 Unauthorized");
    expect(await ask("")).toBe("");
  });
});

describe("an edge that is full", () => {
  let edge: RunningService;
  beforeAll(async () => {
    edge = await stack.startEdge({ STREAM_MAX_CONNECTIONS: "1", STREAM_ALLOWED_ORIGINS: "https://app.example" });
    await (await open(edge)).frame("ready");
  });

  test("tells every kind of client so, without reading its token, and serves all else as ever", async () => {
    const url = `http://127.0.0.1:${edge.ports.http}`;
    const page = await fetch(url + PATH, { headers: { origin: "https://app.example" } });
    expect(page.headers.get("access-control-allow-origin")).toBe("https://app.example");
    expect(await page.text()).toMatch(
      /^retry: \d+\nevent: busy\ndata: \{"reason":"full","detail":"this server is full"/,
    );
    const stranger = await fetch(url + PATH, { headers: { origin: "https://evil.example" } });
    expect([stranger.status, stranger.headers.get("access-control-allow-origin")]).toEqual([200, null]);
    const headers = { "x-sluice-client": "test", "x-request-id": "case-1" };
    const declared = await fetch(url + PATH, { headers });
    expect(declared.status).toBe(503);
    expect(Number(declared.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect(await declared.json()).toMatchObject({ code: "unavailable", instance: "urn:sluice:request:case-1" });
    expect((await fetch(`${url}/nowhere`)).status).toBe(404);
    expect((await fetch(url + PATH, { method: "POST" })).status).toBe(405);
    expect(await readMetric(edge, 'sluice_stream_refused_total{reason="full"}')).toBe(3);
  });

  test("takes a request that comes in pieces, and one that begins like a stream's, as node:http does", async () => {
    await using pieces = await openRawSocket(edge.ports.http);
    pieces.write("GET /v1/str");
    pieces.write("eam?topic=a.b HTTP/1.1\r\nHost: edge\r\n");
    pieces.write("Connection: close\r\n\r\n");
    expect(await pieces.text()).toContain("event: busy");
    await using other = await openRawSocket(edge.ports.http);
    other.write("GET /v1/streams HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n");
    expect(await other.text()).toMatch(/^HTTP\/1\.1 404 /);
    await using forged = await openRawSocket(edge.ports.http);
    forged.write('GET /v1/stream HTTP/1.1\r\nHost: edge\r\nX-Request-ID: a"b\r\nOrigin: https://x\r\n\r\n');
    expect(await forged.text()).not.toMatch(/a"b|https:\/\/x/);
  });
});

describe("a tenant's tier", () => {
  test("keeps its places, however many others come, and a change of it counts at once; what a stranger says of its address does not", async () => {
    await using edge = await stack.startEdge({
      ...LIMIT,
      STREAM_TRUSTED_PROXIES: "192.0.2.99",
      STREAM_MAX_CONNECTIONS: "4",
      STREAM_POOLS: "premium=25",
    });
    // A stranger says where it comes from, which counts for nothing.
    for (const _ of [1, 2, 3]) expect(await knock(edge, { "x-forwarded-for": "192.0.2.1" })).toEqual(LEFT);
    const { access_token: mallory } = await stack.login("mallory", "rival");
    const streams = await Promise.all([1, 2, 3].map(() => open(edge)));
    for (const stream of streams) await stream.frame("ready");
    expect(await refusedBy(edge)).toBe("full");
    expect(await refusedBy(edge, mallory)).toBe("full");
    expect(await stack.operate("PUT", "rival/limits", { tier: "gold" })).toMatchObject({ status: 400 });
    expect(await stack.operate("PUT", "rival/limits", { tier: "premium" })).toMatchObject({ status: 200 });
    await using premium = await waitFor("premium has its place", () => take(edge, mallory));
    expect(premium.status).toBe(200);
    expect(await readMetric(edge, 'sluice_stream_pool_taken{pool="premium"}')).toBe(1);
    await Promise.all(streams.map((stream) => stream[Symbol.asyncDispose]()));
  });

  test("limits the topics of a stream, and the refusal is for good", async () => {
    expect(await stack.operate("PUT", "rival/limits", { topicsPerStream: 1 })).toMatchObject({ status: 200 });
    const { access_token: mallory } = await stack.login("mallory", "rival");
    const ask = (query: string) =>
      openEventStream(`http://127.0.0.1:${stack.edge.ports.http}/v1/stream?${query}`, { token: mallory });
    await using one = await ask("topic=issues.%3E");
    expect(one.status).toBe(200);
    await using two = await ask("topic=issues.%3E&topic=push.%3E");
    expect(two.status).toBe(422);
    expect(await stack.operate("PUT", "rival/limits", {})).toMatchObject({ status: 200 });
  });
});

test("an edge without its Redis starts, says so and serves; calls are as many as may be made, and one more is 429", async () => {
  await using edge = await stack.startEdge({
    REDIS_URL: "redis://stream:x@127.0.0.1:1",
    STREAM_TRUSTED_PROXIES: "127.0.0.1",
    STREAM_CALLS_PER_ADDRESS_PER_MINUTE: "3",
    STREAM_CALLS_PER_SUBJECT_PER_MINUTE: "2",
  });
  await using stream = await open(edge);
  await stream.frame("ready");
  await waitFor("the log says so", () => edge.child.output().includes("each keeps to its share"));
  const call = async (address: string, given = token) => {
    const headers = { "x-forwarded-for": address, authorization: `Bearer ${given}` };
    const answer = await fetch(`http://127.0.0.1:${edge.ports.http}/v1/streams/w-1/token`, { method: "POST", headers });
    return answer.status;
  };
  expect([await call("192.0.2.1"), await call("192.0.2.1"), await call("192.0.2.1")]).toEqual([404, 404, 429]);
  expect(await call("192.0.2.1", "none")).toBe(429);
  expect([await call("192.0.2.2", "none"), await call("192.0.2.2")]).toEqual([401, 429]);
});

function open(edge: RunningService, given = token): Promise<EventStream> {
  return openEventStream(`http://127.0.0.1:${edge.ports.http}${PATH}`, { token: given });
}

/** The stream, or undefined where there is no room. */
async function take(edge: RunningService, given = token): Promise<EventStream | undefined> {
  const stream = await open(edge, given);
  const { event } = await stream.frame(({ event: name }) => name === "ready" || name === "busy");
  if (event === "ready") return stream;
  await stream[Symbol.asyncDispose]();
  return undefined;
}

async function isTaken(edge: RunningService): Promise<boolean> {
  const stream = await take(edge);
  await stream?.[Symbol.asyncDispose]();
  return stream !== undefined;
}

async function refusedBy(edge: RunningService, given = token): Promise<unknown> {
  await using stream = await open(edge, given);
  const { data } = await stream.frame(({ event }) => event === "busy" || event === "ready");
  return (JSON.parse(data) as { reason?: string }).reason;
}

/** An edge learns of the other's streams within a second. */
function untilRefused(edge: RunningService): Promise<unknown> {
  return waitFor("a stream is refused", async () => (await refusedBy(edge)) === "subject_streams");
}

function countsTogether(edge: RunningService, wanted: 0 | 1): Promise<unknown> {
  return waitFor(
    `the edge ${wanted === 1 ? "counts with the other" : "keeps to its share"}`,
    async () => (await readMetric(edge, "sluice_stream_limits_shared")) === wanted,
  );
}
