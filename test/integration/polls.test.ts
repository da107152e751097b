import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPollClient, type JsonFrame, type PollClient } from "#test/support/poll-client.ts";
import { requireOk } from "#test/support/require-ok.ts";
import { isProxyHere } from "#test/support/start-proxy.ts";
import { startBufferingProxy } from "#test/rigs/buffering-proxy.ts";
import { openRawSocket } from "#test/support/raw-socket.ts";
import { readMetric } from "#test/support/read-metric.ts";
import { type Bus, type Login, type Stack, startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

const TOPIC = "topic=push.>";

let stack: Stack;
let bus: Bus;
let bob: Login;
const owner = new AsyncDisposableStack();

beforeAll(async () => {
  stack = owner.use(await startStack({ stream: { STREAM_ALLOWED_ORIGINS: "https://app.example.com" } }));
  [bus, bob] = [await stack.bus("demo"), await stack.login("bob")];
});
afterAll(() => owner.disposeAsync());

const publish = (text: string) => bus.publish("events.demo.push.event.k", text);
const dataOf = (frames: readonly JsonFrame[]) =>
  frames.filter(({ event }) => event === undefined).map(({ data }) => data);
const eventsOf = (frames: readonly JsonFrame[]) => frames.flatMap(({ event }) => event ?? []);
const client = (token = bob.access_token): PollClient => createPollClient(stack.edge.ports.http, token);
const openStreams = () => readMetric(stack.edge, "sluice_stream_connections");

describe("a poll", () => {
  test("without an id is answered at once with its position, and the next one has what came behind that", async () => {
    using bobs = client();
    const first = await bobs.poll(TOPIC);
    expect(first).toMatchObject({ status: 200, next: expect.stringMatching(/^[\w-]+\.\d+\.\w+$/) });
    expect(first.headers).toMatchObject({
      "content-type": "application/json",
      "cache-control": "no-store",
      "x-connection-id": expect.any(String),
      "x-sluice-transports": "sse, websocket, ndjson, poll",
    });
    expect(eventsOf(first.frames)).toEqual(["ready"]);
    await publish("between");
    expect(dataOf((await bobs.poll(TOPIC)).frames)).toEqual(["between"]);
    const waiting = bobs.poll(TOPIC);
    await publish("while it waits");
    expect(dataOf((await waiting).frames)).toEqual(["while it waits"]);
    expect(bobs.connections).toBe(1);
  });

  test("that finds nothing is answered when its time is over, behind what was not for it", async () => {
    using bobs = client();
    const { next: before } = await bobs.poll(TOPIC);
    using others = client();
    await others.poll("topic=issues.>");
    await bus.publish("events.demo.issues.opened.k", "for others");
    // The edge has read it then.
    expect(dataOf((await others.poll("topic=issues.>")).frames)).toEqual(["for others"]);
    const { frames, next } = await bobs.poll(`${TOPIC}&wait=1`);
    expect(dataOf(frames)).toEqual([]);
    expect(seqOf(next)).toBeGreaterThan(seqOf(before));
    expect((await bobs.poll(`${TOPIC}&wait=0`)).next).toBe(next);
  });

  test("goes on behind an id of a stream, and a stream behind an id of a poll", async () => {
    using bobs = client();
    const { next } = await bobs.poll(TOPIC);
    await publish("one");
    await publish("two");
    const answer = await bobs.poll(TOPIC);
    expect(dataOf(answer.frames).at(0)).toBe("one");
    const one = answer.frames.find(({ data }) => data === "one")?.id ?? "";
    const stream = await openStream(next);
    await stream.until("data: two");
    expect(await stream.until("data: one")).toContain(`id: ${one}\ndata: one`);
    const again = await bobs.poll(TOPIC, { lastEventId: one });
    expect(dataOf(again.frames)).toEqual(["two"]);
    await stream[Symbol.asyncDispose]();
  });

  test("gathers a burst, misses nothing of a long one and repeats nothing", async () => {
    using bobs = client();
    await bobs.poll(TOPIC);
    const texts = Array.from({ length: 600 }, (_, index) => `burst ${index} ${"x".repeat(2_000)}`);
    const publishing = (async () => {
      for (const text of texts) await publish(text);
    })();
    const got: string[] = [];
    let polls = 0;
    for (; got.length < texts.length; polls += 1) got.push(...dataOf((await bobs.poll(TOPIC)).frames));
    await publishing;
    expect(got).toEqual(texts);
    expect(polls).toBeLessThan(texts.length / 4);
  });

  test("whose session ends says so, and the next one is refused", async () => {
    const login = await stack.login("carol");
    using carols = client(login.access_token);
    await carols.poll(TOPIC);
    const waiting = carols.poll(TOPIC);
    await waitFor("the poll waits", async () => (await openStreams()) === 1);
    await requireOk(
      fetch(`${stack.authUrl}/v1/auth/logout`, {
        method: "POST",
        headers: { authorization: `Bearer ${login.access_token}` },
      }),
    );
    const { frames, status } = await waiting;
    expect([status, frames.at(-1)]).toEqual([200, { event: "auth_error", data: '{"reason":"revoked"}' }]);
    expect(await carols.poll(TOPIC)).toMatchObject({ status: 401, code: "session_ended" });
  });

  test("whose client leaves is over at once, and one whose client has closed its side is answered", async () => {
    const gone = new AbortController();
    using bobs = client();
    await bobs.poll(TOPIC);
    const left = bobs.poll(TOPIC, { signal: gone.signal });
    await waitFor("the poll waits", async () => (await openStreams()) === 1);
    gone.abort();
    await expect(left).rejects.toThrow("aborted");
    await waitFor("nothing is left", async () => (await openStreams()) === 0);
    const { next } = await bobs.poll(TOPIC, { lastEventId: "" });
    await using half = await openRawSocket(stack.edge.ports.http);
    half.write(pollText(next));
    half.end();
    expect(await half.text()).toContain('{"frames":[');
  });

  test("may stand behind another on one connection", async () => {
    using bobs = client();
    const { next } = await bobs.poll(TOPIC);
    await using socket = await openRawSocket(stack.edge.ports.http);
    socket.write(pollText(next, "&wait=0") + pollText(next, "&wait=0"));
    await waitFor(
      "both are answered",
      async () => (await socket.until("HTTP/1.1 200")).split('{"frames":[').length === 3,
    );
  });

  test("is a GET, answered in JSON, of what can be polled", async () => {
    const url = `${stack.streamUrl}/v1/poll`;
    for (const method of ["HEAD", "POST", "PUT", "DELETE"]) {
      const { status, headers } = await fetch(url, { method });
      expect([status, headers.get("allow")]).toEqual([405, "GET, OPTIONS"]);
    }
    using bobs = client();
    expect(await bobs.poll(TOPIC, { headers: { accept: "text/event-stream" } })).toMatchObject({
      code: "not_acceptable",
    });
    expect(await bobs.poll("subscription=mine")).toMatchObject({ status: 400, code: "unsupported_parameter" });
    expect(await client("").poll(TOPIC)).toMatchObject({ status: 401, code: "token_missing" });
  });
});

describe("a transport that the tenant has turned off", () => {
  test("ends the polls that wait, is refused from then on, and clients are told of the others", async () => {
    using bobs = client();
    await bobs.poll(TOPIC);
    const waiting = bobs.poll(TOPIC);
    await waitFor("the poll waits", async () => (await openStreams()) === 1);
    await stack.carryOut("PUT", "demo/limits", { pollPercent: 0 });
    const { frames, headers } = await waiting;
    expect(frames.at(-1)).toMatchObject({ event: "bye", data: expect.stringContaining('"transport"') });
    expect(headers["x-sluice-transports"]).toBe("sse, websocket, ndjson, poll");
    const refused = await bobs.poll(TOPIC);
    expect(refused).toMatchObject({ status: 403, code: "transport_off" });
    expect(refused.detail).toContain("sse, websocket, ndjson");
    expect(refused.headers["x-sluice-transports"]).toBe("sse, websocket, ndjson");
    expect(await capabilities(bob.access_token)).toMatchObject({ transports: ["sse", "websocket", "ndjson"] });
    expect(await capabilities()).toMatchObject({ transports: ["sse", "websocket", "ndjson", "poll"] });
    await stack.carryOut("PUT", "demo/limits", {});
    await waitFor("polls are on again", async () => (await bobs.poll(TOPIC, { lastEventId: "" })).status === 200);
    expect((await bobs.poll(TOPIC, { lastEventId: "" })).headers["x-sluice-transports"]).toContain("poll");
  });
});

describe("an edge", () => {
  test("tells what it offers, to everybody the same, and nothing to a bad token", async () => {
    expect(await capabilities()).toEqual({
      transports: ["sse", "websocket", "ndjson", "poll"],
      heartbeatMs: 15_000,
      retryMs: { min: 1_000 },
      limits: { topicsPerStream: 100, presenceTopicsPerStream: 10, eventMaxBytes: 1_048_576, padMaxBytes: 8_192 },
      pollWaitMaxSeconds: 25,
      regions: [],
    });
    expect(await capabilities("nonsense")).toMatchObject({ status: 401 });
    const page = { origin: "https://app.example.com" };
    const { headers } = await fetch(`${stack.streamUrl}/v1/capabilities`, { headers: page });
    expect(headers.get("access-control-expose-headers")).toContain("x-sluice-transports");
  });

  test("speaks no transport that its setting leaves out", async () => {
    await using edge = await stack.startEdge({ STREAM_TRANSPORTS: "sse,ndjson" });
    using bobs = createPollClient(edge.ports.http, bob.access_token);
    const refused = await bobs.poll(TOPIC);
    expect(refused).toMatchObject({
      status: 403,
      code: "transport_off",
      detail: expect.stringContaining("sse, ndjson"),
    });
    expect(refused.headers["x-sluice-transports"]).toBe("sse, ndjson");
  });

  test("sees that a transport fails: its client says so, or is back another way", async () => {
    const headers = { authorization: `Bearer ${bob.access_token}`, "content-type": "application/json" };
    const report = { transport: "sse", fallback: { from: "websocket", reason: "timeout" } };
    await requireOk(fetch(`${stack.streamUrl}/v1/reports`, { method: "POST", headers, body: JSON.stringify(report) }));
    for (const accept of ["application/x-ndjson", "text/event-stream"]) {
      const gone = new AbortController();
      const stream = await fetch(`${stack.streamUrl}/v1/stream?${TOPIC}`, {
        headers: { ...headers, accept },
        signal: gone.signal,
      });
      expect(stream.headers.get("x-sluice-transports")).toBe("sse, websocket, ndjson, poll");
      gone.abort();
      await waitFor("nobody is there", async () => (await openStreams()) === 0);
    }
    expect(await readMetric(stack.edge, "sluice_stream_transport_failures_total")).toBe(2);
  });
});

async function capabilities(token?: string): Promise<unknown> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return await (await fetch(`${stack.streamUrl}/v1/capabilities`, { headers })).json();
}

describe.runIf(isProxyHere("nginx"))("behind a proxy that buffers", () => {
  const fetchBy = (url: string, path: string) =>
    fetch(`${url}${path}`, { headers: { authorization: `Bearer ${bob.access_token}` } });

  test("a poll brings what a stream does not", async () => {
    await using proxy = await startBufferingProxy(stack.edge.ports.http);
    let [head, isOver] = [undefined as Response | undefined, false];
    const streaming = fetchBy(proxy.url, `/v1/stream?${TOPIC}`).then((response) => (head = response));
    void streaming.catch(() => (isOver = true));
    using bobs = createPollClient(proxy.port, bob.access_token);
    await bobs.poll(TOPIC);
    await publish("through it");
    expect(dataOf((await bobs.poll(TOPIC)).frames)).toEqual(["through it"]);
    expect([head, isOver]).toEqual([undefined, false]);
  });

  test("whose buffer is small a stream with padding begins", async () => {
    await using proxy = await startBufferingProxy(stack.edge.ports.http, { bufferBytes: 4_096 });
    const stream = await fetchBy(proxy.url, `/v1/stream?${TOPIC}&pad=8192`);
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toMatch(/^: +/);
    await reader?.cancel();
  });
});

const seqOf = (id: string): number => Number(id.split(".")[1]);

function pollText(lastEventId: string, more = ""): string {
  const head = `GET /v1/poll?${TOPIC}${more} HTTP/1.1\r\nHost: edge\r\nAuthorization: Bearer ${bob.access_token}`;
  return `${head}\r\nLast-Event-ID: ${lastEventId}\r\n\r\n`;
}

async function openStream(lastEventId: string) {
  const socket = await openRawSocket(stack.edge.ports.http);
  socket.write(
    `GET /v1/stream?${TOPIC} HTTP/1.1\r\nHost: edge\r\nAuthorization: Bearer ${bob.access_token}\r\nLast-Event-ID: ${lastEventId}\r\n\r\n`,
  );
  return socket;
}
