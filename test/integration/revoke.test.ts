import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEventStream, type EventStream } from "#test/support/event-stream.ts";
import { freeze, thaw } from "#test/support/freeze.ts";
import { requireOk } from "#test/support/require-ok.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import { readMetric } from "#test/support/read-metric.ts";
import { waitFor } from "#test/support/wait.ts";

let stack: Stack;
let demo: Bus;

beforeAll(async () => {
  stack = await startStack();
  demo = await stack.bus("demo");
});
afterAll(() => stack[Symbol.asyncDispose]());

describe("a role that was taken away", () => {
  test("lets nothing through that was published after the acknowledgement, on any edge; given back, lets all through", async () => {
    await using other = await stack.startEdge();
    const { access_token: token } = await stack.login("bob");
    const query = "topic=push.>&topic=issues.>";
    await using here = await open(stack.streamUrl, token, query);
    await using there = await open(`http://127.0.0.1:${other.ports.http}`, token, query);
    await Promise.all([here.frame("ready"), there.frame("ready")]);
    const expected: string[] = [];
    for (let round = 0; round < 60; round += 1) {
      await stack.setRoles("bob", ["maintainer"]);
      await demo.publish("events.demo.push.event.k", `allowed ${round}`);
      expected.push(`allowed ${round}`);
      await Promise.all([here, there].map((stream) => stream.receive(expected.length)));

      await stack.setRoles("bob", ["triager"]);
      await demo.publish("events.demo.push.event.k", `secret ${round}`);
      // What bob may still see tells that the edge is past the secret, before the role is given back.
      await demo.publish("events.demo.issues.opened.k", `past ${round}`);
      expected.push(`past ${round}`);
      await Promise.all([here, there].map((stream) => stream.receive(expected.length)));
    }
    expect(here.events()).toEqual(expected);
    expect(there.events()).toEqual(expected);
  });

  test("is told as topics that fell away, and the stream stays open", async () => {
    const { access_token: token } = await stack.login("bob");
    await using bob = await open(stack.streamUrl, token, "topic=push.>&topic=issues.>");
    await bob.frame("ready");
    await stack.setRoles("bob", ["maintainer"]);
    await bob.frame(({ event, data }) => event === "subscription" && !data.includes("false"));
    const before = bob.frames.length;
    await stack.setRoles("bob", ["triager"]);
    const told = await bob.frame((frame) => frame.event === "subscription" && bob.frames.indexOf(frame) >= before);
    expect(JSON.parse(told.data)).toMatchObject({
      topics: [
        { topic: "issues.>", granted: true },
        { topic: "push.>", granted: false },
      ],
      effectiveFrom: expect.stringMatching(/^[a-z0-9]+\.\d+\.[a-z0-9]+$/),
    });
    await demo.publish("events.demo.push.event.k", "not for bob");
    await stack.setRoles("bob", ["maintainer"]);
    await demo.publish("events.demo.push.event.k", "for bob");
    expect(await bob.receive(1)).toEqual(["for bob"]);
  });
});

describe("a session that ended", () => {
  test("cuts its streams on every edge and lets nobody back in", async () => {
    await using other = await stack.startEdge();
    const { access_token: token } = await stack.login("carol");
    const { access_token: another } = await stack.login("carol");
    await using here = await open(stack.streamUrl, token);
    await using there = await open(`http://127.0.0.1:${other.ports.http}`, token);
    await using untouched = await open(stack.streamUrl, another);
    await Promise.all([here.frame("ready"), there.frame("ready"), untouched.frame("ready")]);
    const response = await fetch(`${stack.authUrl}/v1/auth/logout`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
    });
    expect(response.status).toBe(204);
    await demo.publish("events.demo.issues.opened.k", "after the logout");

    for (const stream of [here, there]) {
      expect(JSON.parse((await stream.frame("auth_error")).data)).toEqual({ reason: "revoked" });
      await stream.closed();
      expect(stream.events()).toEqual([]);
    }
    expect(await untouched.receive(1)).toEqual(["after the logout"]);
    const again = await openEventStream(`${stack.streamUrl}/v1/stream?topic=issues.>`, { token });
    expect(again.status).toBe(401);
    expect(again.headers["www-authenticate"]).toMatch(/^Bearer/);
    await again[Symbol.asyncDispose]();
  });

  test("resets the socket of a client that does not read", async () => {
    const { access_token: token } = await stack.login("carol");
    await using slow = await open(stack.streamUrl, token, "topic=push.>");
    await slow.frame("ready");
    slow.pause(true);
    const payload = "x".repeat(100_000);
    await Promise.all(Array.from({ length: 400 }, () => demo.publish("events.demo.push.event.k", payload)));
    const ended = await readMetric(stack.edge, "sluice_stream_ended_total");
    await requireOk(
      fetch(`${stack.authUrl}/v1/auth/logout`, { method: "POST", headers: { authorization: `Bearer ${token}` } }),
    );
    // A client that read on earlier could be through with all of them before the edge has met the entry.
    await waitFor("it is cut", async () => (await readMetric(stack.edge, "sluice_stream_ended_total")) > ended);
    slow.pause(false);
    await slow.closed();
    expect(slow.events().length).toBeLessThan(400);
    expect(slow.frames.some(({ event }) => event === "auth_error")).toBe(false);
  });
});

// Each with an auth and an edge of its own, for which it waits most of the time.
describe.concurrent("a stream whose session lives", () => {
  test("outlives its access token: auth is asked, the client told, and nothing reconnects", async () => {
    await using auth = await stack.startAuth({ AUTH_ACCESS_TOKEN_SECONDS: "3" });
    await using edge = await stack.startEdge({ AUTH_GRPC_URL: `127.0.0.1:${auth.ports.grpc}` });
    const token = await loginAt(auth.ports.http);
    await using stream = await open(`http://127.0.0.1:${edge.ports.http}`, token, "topic=push.event.alive");
    const first = JSON.parse((await stream.frame("ready")).data).expiresAt;
    const renewed = await stream.frame(
      ({ event, data }) => event === "session" && Date.parse(JSON.parse(data).expiresAt) > Date.parse(first) + 3_000,
    );
    expect(Date.parse(JSON.parse(renewed.data).expiresAt)).toBeGreaterThan(Date.parse(first));
    await demo.publish("events.demo.push.event.alive", "still here");
    expect(await stream.receive(1)).toEqual(["still here"]);
  });

  test("ends at its expiry when auth is out of reach", async () => {
    const auth = await stack.startAuth({ AUTH_ACCESS_TOKEN_SECONDS: "3" });
    await using edge = await stack.startEdge({ AUTH_GRPC_URL: `127.0.0.1:${auth.ports.grpc}` });
    const token = await loginAt(auth.ports.http);
    await using stream = await open(`http://127.0.0.1:${edge.ports.http}`, token, "topic=push.>");
    await stream.frame("ready");
    await auth.child.end("SIGKILL");
    expect(JSON.parse((await stream.frame("auth_error")).data)).toEqual({ reason: "expired" });
    await stream.closed();
  });

  test("gets nothing more from an edge that stood still for 15 s across its expiry, with auth gone", async () => {
    const auth = await stack.startAuth({ AUTH_ACCESS_TOKEN_SECONDS: "8" });
    await using edge = await stack.startEdge({ AUTH_GRPC_URL: `127.0.0.1:${auth.ports.grpc}` });
    const token = await loginAt(auth.ports.http);
    await using stream = await open(`http://127.0.0.1:${edge.ports.http}`, token, "topic=push.event.still");
    await stream.frame("ready");
    await demo.publish("events.demo.push.event.still", "in time");
    await stream.receive(1);
    await auth.child.end("SIGKILL");
    await freeze(edge.child.process);
    const stoppedAt = performance.now();
    await demo.publish("events.demo.push.event.still", "just after the stop");
    await waitFor("15 s are over", () => performance.now() - stoppedAt > 15_000, 40_000);
    await demo.publish("events.demo.push.event.still", "just before it goes on");
    thaw(edge.child.process);
    await demo.publish("events.demo.push.event.still", "after it goes on");
    await stream.closed();
    expect(stream.events()).toEqual(["in time"]);
    const reasons = stream.frames.filter(({ event }) => event === "auth_error").map(({ data }) => JSON.parse(data));
    // Behind its socket's buffers the stream is reset instead, and told nothing.
    expect([[], [{ reason: "expired" }]]).toContainEqual(reasons);
  });
});

function open(base: string, token: string, query = "topic=issues.>"): Promise<EventStream> {
  return openEventStream(`${base}/v1/stream?${query}`, { token });
}

async function loginAt(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ tenant: "demo", username: "carol", password: "sluice-demo" }),
  });
  return ((await response.json()) as { access_token: string }).access_token;
}
