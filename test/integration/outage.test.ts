import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEventStream, type EventStream } from "#test/support/event-stream.ts";
import { freeze, thaw } from "#test/support/freeze.ts";
import { freePort } from "#test/support/ports.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { readMetric } from "#test/support/read-metric.ts";
import { waitFor } from "#test/support/wait.ts";

let stack: Stack;
let demo: Bus;
let token: string;

beforeAll(async () => {
  stack = await startStack();
  demo = await stack.bus("demo");
  token = (await stack.login("bob")).access_token;
});
afterAll(() => stack[Symbol.asyncDispose]());

describe("auth that is away", () => {
  test("lets open streams live, tells new ones to come again, and takes them in when it is back", async () => {
    const grpc = String(await freePort());
    const away = await stack.startAuth({ AUTH_GRPC_PORT: grpc });
    await using edge = await stack.startEdge({ AUTH_GRPC_URL: `127.0.0.1:${grpc}`, STREAM_HANDSHAKE_MS: "500" });
    await using early = await openReady(edge);
    await away.child.end("SIGKILL");
    await using late = await open(edge);
    expect(late.status).toBe(200);
    expect(JSON.parse((await late.frame("busy")).data)).toMatchObject({ retryMs: expect.any(Number) });
    await late.closed();
    expect(late.raw()).toMatch(/^retry: \d{4}$/m);
    await publish(["while auth is away"]);
    expect(await early.receive(1)).toEqual(["while auth is away"]);

    await using _back = await stack.startAuth({ AUTH_GRPC_PORT: grpc });
    await using _again = await openReady(edge);
  });
});

describe("auth that says nothing", () => {
  test("is not waited for by a client that has left: its handshake is over at once, and its place free", async () => {
    await using edge = await stack.startEdge({ STREAM_HANDSHAKE_MS: "60000" });
    const connections = () => readMetric(edge, "sluice_stream_connections");
    await freeze(stack.auth.child.process);
    try {
      const waiting = new AbortController();
      const headers = { authorization: `Bearer ${token}` };
      const url = `http://127.0.0.1:${edge.ports.http}/v1/stream?topic=push.>`;
      const asked = fetch(url, { headers, signal: waiting.signal }).catch(() => undefined);
      await waitFor("the handshake is under way", async () => (await connections()) === 1);
      waiting.abort();
      await asked;
      await waitFor("the place is free", async () => (await connections()) === 0);
    } finally {
      thaw(stack.auth.child.process);
    }
  });
});

describe("policy that is away", () => {
  test("changes nothing for what was decided, and holds nobody who is decided", async () => {
    const grpc = String(await freePort());
    const away = await stack.startPolicy({ POLICY_GRPC_PORT: grpc });
    await using edge = await stack.startEdge({ POLICY_GRPC_URL: `127.0.0.1:${grpc}`, STREAM_HANDSHAKE_MS: "500" });
    await using early = await openReady(edge);
    await away.child.end("SIGKILL");
    await publish(["one", "two"]);
    expect(await early.receive(2)).toEqual(["one", "two"]);
    const { access_token: stranger } = await stack.login("alice");
    await using late = await open(edge, stranger);
    expect((await late.frame("busy")).event).toBe("busy");

    // A change that concerns bob puts his grant in doubt: he is held, and catches up when policy is back.
    await stack.setRoles("bob", ["security"]);
    await publish(["held"]);
    await early.frame("degraded");
    expect(early.events()).toEqual(["one", "two"]);
    await using _back = await stack.startPolicy({ POLICY_GRPC_PORT: grpc });
    expect(await early.receive(3)).toEqual(["one", "two", "held"]);
    await early.frame("recovered");
  });
});

describe("redis that is away", () => {
  test("stops no stream and no revocation", async () => {
    const { access_token: mine } = await stack.login("bob");
    await using stream = await open(stack.edge, mine);
    await stream.frame("ready");
    await stack.redis.stop("SIGKILL");
    await publish(["without redis"]);
    expect(await stream.receive(1)).toEqual(["without redis"]);
    const logout = await fetch(`${stack.authUrl}/v1/auth/logout`, {
      method: "POST",
      headers: { authorization: `Bearer ${mine}` },
    });
    expect(logout.status).toBe(204);
    expect(JSON.parse((await stream.frame("auth_error")).data)).toEqual({ reason: "revoked" });
    await stack.redis.start();
    // It asks again until auth has found Redis.
    await stack.login("bob");
  });
});

describe("an edge with hardly any memory left", () => {
  test("tells new clients to come again, each at another time, and says so by metric and log; it stays ready", async () => {
    // Less than Node itself takes.
    await using edge = await stack.startEdge({ STREAM_MEMORY_BYTES: String(64 * 1024 * 1024) });
    const overload = () => readMetric(edge, 'sluice_stream_overload{step="shed"}');
    await waitFor("it is overloaded", async () => (await overload()) === 1);
    const waits = new Set<number>();
    for (let client = 0; client < 5; client += 1) {
      await using refused = await open(edge);
      const { reason, retryMs } = JSON.parse((await refused.frame("busy")).data) as { reason: string; retryMs: number };
      expect(reason).toBe("overload");
      waits.add(retryMs);
      await refused.closed();
    }
    expect(waits.size).toBeGreaterThan(1);
    await waitFor("the log says so", () => /"step":"shed".*"memory":\d/.test(edge.child.output()));
    expect((await fetch(`http://127.0.0.1:${edge.ports.ops}/readyz`)).status).toBe(200);
  });
});

describe("an edge that is told to stop", () => {
  test("says goodbye, loses nothing and repeats nothing", async () => {
    const edge = await stack.startEdge();
    const stream = await open(edge);
    await stream.frame("ready");
    await publish(Array.from({ length: 50 }, (_, index) => `drain ${index}`));
    const ending = edge.child.end("SIGTERM");
    expect(JSON.parse((await stream.frame("bye")).data)).toMatchObject({
      reason: "drain",
      retryMs: expect.any(Number),
    });
    await stream.closed();
    expect(await ending).toBe(0);
    await using next = await openEventStream(`${stack.streamUrl}/v1/stream?topic=push.>`, {
      token,
      lastEventId: stream.lastId() ?? "",
    });
    await publish(["end"]);
    await next.frame(({ data }) => data === "end");
    const all = [...stream.events(), ...next.events()];
    expect(all).toEqual([...Array.from({ length: 50 }, (_, index) => `drain ${index}`), "end"]);
  });
});

function open(edge: RunningService, as = token): Promise<EventStream> {
  return openEventStream(`http://127.0.0.1:${edge.ports.http}/v1/stream?topic=push.>&topic=issues.>`, { token: as });
}

/** Opens a stream, again and again while the edge has too little time for it: half a second is short on a busy machine. */
function openReady(edge: RunningService): Promise<EventStream> {
  return waitFor("a stream opens", async () => {
    const stream = await open(edge);
    const { event } = await stream.frame(({ event: name }) => name === "ready" || name === "busy");
    if (event === "ready") return stream;
    await stream[Symbol.asyncDispose]();
    return undefined;
  });
}

/** Publishes until each is acknowledged: right after a restart the first attempts find nobody. */
async function publish(texts: readonly string[]): Promise<void> {
  for (const text of texts) {
    await waitFor(`"${text}" is stored`, () =>
      demo.publish("events.demo.push.event.k", text).then(
        () => true,
        () => false,
      ),
    );
  }
}
