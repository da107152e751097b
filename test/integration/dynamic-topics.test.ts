import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { conclude } from "#test/support/checker/audit.ts";
import { connectAs } from "#test/support/connect-as.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import { runTopicModel } from "#test/support/topic-model.ts";
import { changeApart, changeTopics, openTopicStream, topicsIn, type TopicsSaid } from "#test/support/topic-stream.ts";
import { waitFor } from "#test/support/wait.ts";
import { amountOf, timeoutOf } from "../soak/amount.ts";

const CHANGES = amountOf("topics", 100);

let stack: Stack;
let bus: Bus;
let bob: string;
/** Two edges that share a Redis; the second one has two workers. */
let edges: [RunningService, RunningService];
let shared: NodeJS.ProcessEnv;

beforeAll(async () => {
  stack = await startStack();
  shared = { REDIS_URL: stack.redis.streamUrl };
  edges = await Promise.all([stack.startEdge(shared), stack.startEdge({ ...shared, STREAM_WORKERS: "2" })]);
  bus = await stack.bus("demo");
  bob = (await stack.login("bob")).access_token;
});
afterAll(() => stack[Symbol.asyncDispose]());

const publish = (topic: string, text: string): Promise<number> => bus.publish(`events.demo.${topic}`, text);

describe("a change of topics", () => {
  test("is carried out wherever it is asked for, in the stream's order, exactly from `effectiveFrom` on", async () => {
    const [one, two] = edges;
    for (const [holder, asked] of [
      [one, two],
      [two, one],
      [two, two],
    ] as const) {
      await using stream = await openTopicStream(holder, "topic=issues.%3E", { token: bob });
      await publish("push.event.k", "early");
      const last = await publish("issues.opened.k", "before");
      await stream.receive(1);
      const { status, body } = await changeTopics(asked, bob, stream.id, { add: ["push.*.k"], remove: ["issues.>"] });
      expect(status).toBe(200);
      expect(topicsIn(body)).toEqual(["push.*.k"]);
      expect(Number(body.effectiveFrom?.split(".")[1])).toBe(last);
      await publish("issues.opened.k", "removed");
      await publish("push.event.k", "added");
      expect(await stream.receive(2)).toEqual(["before", "added"]);
      expect(JSON.parse((await stream.frame("subscription")).data)).toEqual(body);
      const frames = stream.frames.map(({ event, data }) => (event === "message" ? data : event));
      expect(frames.filter((name) => name !== "cursor")).toEqual(["ready", "before", "subscription", "added"]);
    }
  });

  test("that changes nothing is answered, with the position of the change that did", async () => {
    const [edge] = edges;
    await using stream = await openTopicStream(edge, "topic=issues.%3E", { token: bob });
    const change = { add: ["push.event"], remove: ["issues.closed"] };
    const first = await changeTopics(edge, bob, stream.id, change);
    await publish("issues.opened.k", "between");
    await stream.receive(1);
    const again = await changeTopics(edge, bob, stream.id, change);
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect((await changeTopics(edge, bob, stream.id, { remove: ["push.event"] })).status).toBe(200);
    await waitFor("two frames", () => stream.frames.filter(({ event }) => event === "subscription").length === 2);
  });

  test("may leave no topic: the stream is open and silent until one is added", async () => {
    const [edge] = edges;
    await using stream = await openTopicStream(edge, "topic=issues.%3E", { token: bob });
    await using reader = await openTopicStream(edge, "topic=issues.%3E", { token: bob });
    const { status, body } = await changeTopics(edge, bob, stream.id, { remove: ["issues.>"] });
    expect([status, body.topics]).toEqual([200, []]);
    await publish("issues.opened.k", "to nobody");
    // A topic counts from where the edge has read up to, not from when it is asked for.
    await reader.receive(1);
    expect((await changeTopics(edge, bob, stream.id, { add: ["issues.>"] })).status).toBe(200);
    await publish("issues.opened.k", "to somebody");
    expect(await stream.receive(1)).toEqual(["to somebody"]);
  });

  test("may add a topic that is not granted: it comes alive when it is", async () => {
    const [edge] = edges;
    const alice = (await stack.login("alice")).access_token;
    await using stream = await openTopicStream(edge, "topic=issues.%3E", { token: alice });
    const { body } = await changeTopics(edge, alice, stream.id, { add: ["push.>"] });
    expect(topicsIn(body)).toEqual(["issues.>", "-push.>"]);
    await publish("push.event.k", "not yet");
    await stack.setRoles("alice", ["maintainer"]);
    await publish("push.event.k", "granted");
    expect(await stream.receive(1)).toEqual(["granted"]);
    const said = await waitFor("the grant is told", () => {
      const frame = stream.frames.findLast(({ event }) => event === "subscription");
      return frame !== undefined && topicsIn(JSON.parse(frame.data) as TopicsSaid).includes("push.>");
    });
    expect(said).toBe(true);
    await stack.carryOut("DELETE", "demo/subjects/alice/roles");
  });
});

describe("a client's topics", () => {
  test("come back on any edge, with everything behind their change and nothing before it", async () => {
    const [one, two] = edges;
    const query = "topic=issues.%3E&topic=create.event&client=tab-1";
    const first = await openTopicStream(one, query, { token: bob });
    expect([first.ready.restored, topicsIn(first.ready)]).toEqual([false, ["-create.event", "issues.>"]]);
    await publish("push.event.k", "too early");
    await publish("issues.opened.k", "seen");
    await first.receive(1);
    const { body } = await changeTopics(two, bob, first.id, { add: ["push.>"], remove: ["create.event"] });
    const lastEventId = first.lastId() ?? "";
    await first[Symbol.asyncDispose]();
    await publish("push.event.k", "meanwhile");
    await publish("issues.opened.k", "meanwhile, too");
    await using second = await openTopicStream(two, query, { token: bob, lastEventId });
    expect([second.ready.restored, topicsIn(second.ready)]).toEqual([true, topicsIn(body)]);
    expect(await second.receive(2)).toEqual(["meanwhile", "meanwhile, too"]);
    await using other = await openTopicStream(one, "topic=issues.%3E&client=tab-1", { token: bob, lastEventId });
    expect([other.ready.restored, topicsIn(other.ready)]).toEqual([false, ["issues.>"]]);
  });

  test("belong to the newest stream: an older one is sent bye `replaced`, and comes back in a minute at the soonest", async () => {
    const [one, two] = edges;
    const query = "topic=issues.%3E&client=tab-2";
    for (const [before, after] of [
      [one, two],
      [two, one],
      [one, one],
    ] as const) {
      await using first = await openTopicStream(before, query, { token: bob });
      await using second = await openTopicStream(after, query, { token: bob });
      const { reason, retryMs } = JSON.parse((await first.frame("bye")).data) as { reason: string; retryMs: number };
      expect(reason).toBe("replaced");
      expect(retryMs).toBeGreaterThanOrEqual(60_000);
      expect((await changeTopics(before, bob, second.id, { add: ["push.>"] })).status).toBe(200);
      expect((await changeTopics(before, bob, second.id, { remove: ["push.>"] })).status).toBe(200);
    }
  });

  test("are listed and forgotten by their person, and by an administrator of subscriptions", async () => {
    const [one, two] = edges;
    const carol = (await stack.login("carol")).access_token;
    await using stream = await openTopicStream(one, "topic=issues.%3E&client=tab-3", { token: bob });
    const { body } = await changeTopics(one, bob, stream.id, { add: ["push.>"], remove: ["issues.>"] });
    const kept = {
      client: "tab-3",
      added: [{ topic: "push.>", effectiveFrom: body.effectiveFrom }],
      removed: ["issues.>"],
    };
    expect(await ask(two, bob, "GET", "/tab-3/topics")).toEqual({ status: 200, body: kept });
    expect(await ask(two, carol, "GET", "/tab-3/topics?subject=bob")).toEqual({ status: 200, body: kept });
    expect((await ask(two, bob, "GET", "/tab-3/topics?subject=carol")).status).toBe(403);
    expect((await ask(two, carol, "GET", "/tab-3/topics")).status).toBe(404);
    const listed = (await ask(two, bob, "GET", "")).body as { clients: { client: string; last_used_at: string }[] };
    expect(listed.clients[0]).toEqual({ client: "tab-3", last_used_at: expect.stringContaining("T") });
    expect((await ask(two, carol, "DELETE", "/tab-3/topics?subject=bob")).status).toBe(204);
    await waitFor("the stream has its URL's topics again", () => {
      const said = stream.frames.findLast(({ event }) => event === "subscription");
      return said !== undefined && topicsIn(JSON.parse(said.data) as TopicsSaid).join() === "issues.>";
    });
    await publish("push.event.k", "forgotten");
    await publish("issues.opened.k", "back");
    expect(await stream.receive(1)).toEqual(["back"]);
  });

  test("cannot change while Redis is away, and their streams live; what was lost there is kept again with the next change", async () => {
    const [edge, other] = edges;
    const query = "topic=issues.%3E&client=tab-4";
    const stream = await openTopicStream(edge, query, { token: bob });
    await using plain = await openTopicStream(edge, "topic=issues.%3E", { token: bob });
    expect((await changeTopics(edge, bob, stream.id, { add: ["push.>"] })).status).toBe(200);
    await stack.redis.stop();
    expect((await changeTopics(edge, bob, stream.id, { add: ["create.event"] })).body.code).toBe("unavailable");
    expect((await changeTopics(edge, bob, plain.id, { add: ["push.>"] })).status).toBe(200);
    await publish("push.event.k", "alive");
    expect(await Promise.all([stream.receive(1), plain.receive(1)])).toEqual([["alive"], ["alive"]]);
    const refused = await fetch(`http://127.0.0.1:${edge.ports.http}/v1/stream?${query}`, {
      headers: { authorization: `Bearer ${bob}` },
    });
    expect(await refused.text()).toContain("event: busy");
    await stack.redis.start();
    await stack.redis.admin("flushall");
    await waitFor("changes are taken", async () => {
      return (await changeTopics(other, bob, stream.id, { add: ["create.event"] })).status === 200;
    });
    const lastEventId = stream.lastId() ?? "";
    await stream[Symbol.asyncDispose]();
    // Each worker finds its way back to Redis by itself.
    await using again = await waitFor("the client is let in", () =>
      openTopicStream(other, query, { token: bob, lastEventId }).catch(() => undefined),
    );
    expect([again.ready.restored, topicsIn(again.ready)]).toEqual([true, ["-create.event", "issues.>", "push.>"]]);
    await using _there = await waitFor("the first edge finds Redis again", () =>
      openTopicStream(edge, "topic=issues.%3E&client=tab-6", { token: bob }).catch(() => undefined),
    );
  });
});

describe("whoever asks for what may not be", () => {
  test("is told why, and the stream goes on as it was", async () => {
    const [one, two] = edges;
    const alice = (await stack.login("alice")).access_token;
    await using stream = await openTopicStream(one, "topic=issues.%3E", { token: bob });
    const many = Array.from({ length: 10_000 }, (_, index) => `a.k${index}`);
    for (const [token, id, change, refusal] of [
      [alice, stream.id, { add: ["push.>"] }, "not_found"],
      [bob, `${stream.id}x`, { add: ["push.>"] }, "not_found"],
      [bob, "w-1", { add: ["push.>"] }, "not_found"],
      ["no token", stream.id, {}, "token_invalid"],
      [bob, stream.id, "{", "malformed_request"],
      [bob, stream.id, "[]", "malformed_request"],
      [bob, stream.id, { add: "push.>" }, "malformed_request"],
      [bob, stream.id, { topics: ["push.>"] }, "malformed_request"],
      [bob, stream.id, { add: ["push.>"], remove: ["push.>"] }, "malformed_request"],
      [bob, stream.id, { add: ["push"] }, "malformed_topic"],
      [bob, stream.id, { remove: ["<script>"] }, "malformed_topic"],
      [bob, stream.id, { add: many.slice(0, 101) }, "malformed_topic"],
      [bob, stream.id, { add: many }, "body_too_large"],
    ] as const) {
      for (const edge of [one, two]) {
        const { body } = await changeTopics(edge, token, id, change);
        expect([JSON.stringify(change).slice(0, 60), body.code]).toEqual([expect.any(String), refusal]);
      }
    }
    const refused = await fetch(`http://127.0.0.1:${one.ports.http}/v1/stream?topic=a.b&client=%20`, {
      headers: { authorization: `Bearer ${bob}` },
    });
    expect(refused.status).toBe(400);
    await publish("issues.opened.k", "as ever");
    expect(await stream.receive(1)).toEqual(["as ever"]);
    expect(stream.frames.filter(({ event }) => event === "subscription")).toEqual([]);
  });

  test("hundreds of times at once is answered a few times, and told when to come back; other streams change theirs", async () => {
    const [one, two] = edges;
    await using stream = await openTopicStream(one, "topic=issues.%3E", { token: bob });
    const change = { add: ["push.>"], remove: ["create.>"] };
    const answers = await Promise.all(Array.from({ length: 400 }, () => changeApart(two, bob, stream.id, change)));
    const statuses = answers.map(({ statusCode }) => statusCode);
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(250);
    expect(answers.find(({ statusCode }) => statusCode === 429)?.headers["retry-after"]).toBe("1");
    const carol = (await stack.login("carol")).access_token;
    await using other = await openTopicStream(one, "topic=issues.%3E", { token: carol });
    expect((await changeTopics(two, carol, other.id, { add: ["push.>"] })).status).toBe(200);
  });

  test("on the bus is not heard, where it is no announcement", async () => {
    const [one] = edges;
    await using stream = await openTopicStream(one, "topic=issues.%3E&client=tab-5", { token: bob });
    const client = { tenant: "demo", subject: "bob", client: "tab-5" };
    await using edge = await connectAs(stack.nats, "stream");
    for (const text of [
      "",
      "{",
      "null",
      JSON.stringify({ client, generation: -1 }),
      JSON.stringify({ client, generation: "9" }),
    ]) {
      edge.publish("sluice.topics.changed", text);
    }
    edge.publish("sluice.topics.changed", JSON.stringify({ client, generation: 1 }));
    await edge.flush();
    expect((await changeTopics(one, bob, stream.id, { add: ["push.>"] })).status).toBe(200);
    edge.publish("sluice.topics.changed", JSON.stringify({ client, generation: Number.MAX_SAFE_INTEGER }));
    await stream.frame("bye");
  });
});

test(
  `${CHANGES} random changes of clients that break off, come back at any edge, lose rights and an edge get nothing early or late, and lose nothing`,
  { timeout: timeoutOf(120_000) },
  async () => {
    const clients = 4;
    const changes = Math.ceil(CHANGES / clients);
    const ledger = await runTopicModel({ stack, edges: () => edges, clients, changes, disturb: replaceFirstEdge });
    expect(conclude(ledger).delivered).toBeGreaterThan(CHANGES);
    expect(ledger.filter((entry) => entry.of === "answered" && entry.outcome === "done").length).toBeGreaterThan(
      CHANGES / 4,
    );
  },
);

/** Kills an edge, between whatever steps of its changes, and starts another one on its port. */
async function replaceFirstEdge(): Promise<void> {
  const [{ child, ports }] = edges;
  await child.end("SIGKILL");
  edges[0] = await stack.startEdge({ ...shared, STREAM_HTTP_PORT: String(ports.http) });
}

async function ask(edge: RunningService, token: string, method: string, path: string) {
  const response = await fetch(`http://127.0.0.1:${edge.ports.http}/v1/clients${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
  });
  return { status: response.status, body: response.status === 204 ? undefined : await response.json() };
}
