import { headers as newHeaders } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEventStream } from "#test/support/event-stream.ts";
import { requireOk } from "#test/support/require-ok.ts";
import { sluice } from "#test/support/run-sluice.ts";
import { waitFor } from "#test/support/wait.ts";
import { OPERATOR_TOKEN, type Stack, startStack } from "#test/support/start-stack.ts";

let stack: Stack;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  stack = await startStack({ auth: { POLICY_OPERATOR_TOKEN: OPERATOR_TOKEN } });
  const publisher = await stack.startPublish();
  env = {
    AUTH_URL: stack.authUrl,
    POLICY_URL: stack.policyUrl,
    STREAM_URL: stack.streamUrl,
    PUBLISH_URL: `http://127.0.0.1:${publisher.ports.http}`,
    POLICY_TOKEN: OPERATOR_TOKEN,
    SLUICE_TENANT: "demo",
    SLUICE_USER: "carol",
    SLUICE_PASSWORD: "sluice-demo",
  };
});
afterAll(() => stack[Symbol.asyncDispose]());

/** What a command printed as lines of JSON; it must have done its work. */
async function run(args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<Record<string, unknown>[]> {
  const { code, out, err } = await sluice([...args, "--json"], { env: { ...env, ...more } });
  if (code !== 0) throw new Error(err.join("\n"));
  return out.map((line) => JSON.parse(line) as Record<string, unknown>);
}

const asPolicy = (): NodeJS.ProcessEnv => ({ NATS_URL: stack.nats.url("policy") });
const asProducer = (): NodeJS.ProcessEnv => ({ NATS_URL: stack.nats.url("demo") });

describe("an event", () => {
  test("published over HTTP or to the bus is found by its sequence and its id", async () => {
    const [stored] = await run(["publish", "issues.opened.x", '{"n":1}', "--id", "one", "--attribute", "region=eu"]);
    expect(stored).toEqual({ topic: "issues.opened.x", id: "one", isRepeated: false });
    expect(await run(["publish", "issues.opened.x", '{"n":1}', "--id", "one"])).toMatchObject([{ isRepeated: true }]);
    const [{ seq } = {}] = await run(["publish", "push.event.x", "text", "--nats"], asProducer());
    const [found = {}] = await run(["events", "get", String(seq), "--tenant", "demo"], asPolicy());
    expect(found).toMatchObject({ seq, topic: "push.event.x", data: "text", bytes: 4 });
    expect(await run(["events", "get", String(found["id"]), "--tenant", "demo"], asPolicy())).toEqual([found]);
    const other = String(found["id"]).replace(/\w+$/, "0");
    await expect(run(["events", "get", other, "--tenant", "demo"], asPolicy())).rejects.toThrow("another entry");
    await expect(run(["events", "get", "999", "--tenant", "demo"], asPolicy())).rejects.toThrow(
      "there is no entry 999",
    );
  });

  test("is printed by tail as the person sees it, and from the bus as it is", async () => {
    await run(["publish", "push.event.hidden", '{"n":2}']);
    await run(["publish", "issues.opened.seen", '{"n":3}']);
    const since = ["--since", "1h"];
    const seen = await run(["tail", "*.*.>", ...since, "--count", "2"], { SLUICE_USER: "alice" });
    expect(seen.map(({ topic, data }) => [topic, data])).toEqual([
      ["issues.opened.x", { n: 1 }],
      ["issues.opened.seen", { n: 3 }],
    ]);
    const stored = await run(["tail", "--bus", "*.event.>", ...since, "--count", "2"], asPolicy());
    expect(stored.map(({ topic, data }) => [topic, data])).toEqual([
      ["push.event.x", "text"],
      ["push.event.hidden", { n: 2 }],
    ]);
  });

  test("that nobody may publish or see is refused, and the command says why", async () => {
    const alice = { SLUICE_USER: "alice" };
    await expect(run(["publish", "issues.opened.x"], alice)).rejects.toThrow("publish refuses (403 forbidden)");
    await expect(run(["tail", "push.>"], alice)).rejects.toThrow("stream refuses (403 no_topic_granted)");
    await expect(run(["tail", "push.>"], { SLUICE_PASSWORD: "wrong" })).rejects.toThrow("(401 bad_credentials)");
    const nobody = { SLUICE_USER: "", SLUICE_PASSWORD: "" };
    await expect(run(["publish", "issues.opened.x"], nobody)).rejects.toThrow("say who logs in: --user and");
    await expect(run(["tail", "push.>"], { AUTH_URL: "http://127.0.0.1:9" })).rejects.toThrow(
      /auth does not answer at http:\/\/127\.0\.0\.1:9: .*AUTH_URL says where it is/,
    );
  });
});

test("an open stream is listed with its edge, and ended", async () => {
  const { access_token: token } = await stack.login("alice");
  const stop = new AbortController();
  const headers = { authorization: `Bearer ${token}`, "x-sluice-client": "test" };
  const response = await fetch(`${stack.streamUrl}/v1/stream?topic=issues.>`, { headers, signal: stop.signal });
  const id = response.headers.get("x-connection-id") ?? "";
  const alices = ["connections", "--tenant", "demo", "--subject", "alice"];
  // Its headers come before it is live, and streams of the commands before it may be about to end.
  await expect.poll(() => run(alices)).toMatchObject([{ id, tenant: "demo", subject: "alice", state: "live" }]);
  expect(await run(["connections"])).toMatchObject([{ id }]);
  expect(await run(["nodes"])).toMatchObject([{ streams: 1, isDraining: false }]);
  expect(await run(["disconnect", id, "--tenant", "demo"])).toEqual([{ tenant: "demo", closed: id }]);
  expect(await response.text()).toContain("event: bye");
  await expect.poll(() => run(alices)).toEqual([]);
  await expect(run(["disconnect", id, "--tenant", "demo"])).rejects.toThrow("(404 not_found)");
  await expect(run(["connections", "--subject", "alice"])).rejects.toThrow("--subject needs --tenant");
});

test("a durable subscription is listed, paused and deleted by the edge that holds it, and its dead letters come again", async () => {
  const { access_token: token } = await stack.login("bob");
  const headers = { authorization: `Bearer ${token}` };
  const mine = `${stack.streamUrl}/v1/subscriptions/builds`;
  const body = JSON.stringify({ topics: ["issues.>"], maxDeliver: 1 });
  await requireOk(fetch(mine, { method: "PUT", headers, body }));
  await using stream = await openEventStream(`${stack.streamUrl}/v1/stream?subscription=builds`, { token });
  await stream.frame("ready");
  await run(["publish", "issues.opened.refused", '{"n":42}', "--nats"], asProducer());
  const event = await stream.frame(({ data }) => data === '{"n":42}');
  const refusal = JSON.stringify({ ids: [event.id] });
  await requireOk(fetch(`${mine}/nacks`, { method: "POST", headers, body: refusal }));
  const of = ["--tenant", "demo"];
  const list = ["subscription", "list", "--subject", "bob", ...of];
  expect(await run(list)).toMatchObject([{ name: "builds", state: "active", dead: 1, open: 0 }]);
  const letter = { id: event.id, reason: "refused", topic: "issues.opened.refused" };
  expect(await run(["subscription", "dead", "bob", "builds", ...of])).toMatchObject([letter]);
  await run(["subscription", "pause", "bob", "builds", ...of]);
  expect(await run(list)).toMatchObject([{ state: "paused" }]);
  await run(["subscription", "dead", "bob", "builds", "--redeliver", ...of]);
  await run(["subscription", "resume", "bob", "builds", ...of]);
  await waitFor("it comes again", () => stream.frames.filter(({ id }) => id === event.id).length === 2);
  const show = () => run(["subscription", "show", "bob", "builds", ...of]);
  // The edge that holds it notes a delivery a moment later.
  await expect.poll(show).toMatchObject([{ open: [{ id: event.id }] }]);
  await run(["subscription", "delete", "bob", "builds", ...of]);
  expect(JSON.parse((await stream.frame("bye")).data)).toMatchObject({ reason: "changed" });
  expect(await run(list)).toEqual([]);
  await expect(run(["subscription", "resume", "bob", "builds", ...of])).rejects.toThrow("(404 not_found)");
});

test("an event is explained by the streams that edges have open, and by the log of those that they had", async () => {
  const { access_token: token } = await stack.login("alice");
  const stop = new AbortController();
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${stack.streamUrl}/v1/stream?topic=issues.>`, { headers, signal: stop.signal });
  const connectionId = response.headers.get("x-connection-id") ?? "";
  const publish = async () => {
    const [{ seq } = {}] = await run(["publish", "issues.opened.why", "{}", "--nats"], asProducer());
    return String(seq);
  };
  const explain = async (sequence: string) => {
    const [told] = await run(["explain", "alice", "--tenant", "demo", "--sequence", sequence]);
    return told as { firstNo: string | null; chain: { link: string; answer: string; connectionId?: string }[] };
  };
  const first = await publish();
  await waitFor("delivery", async () => (await explain(first)).firstNo === null);
  expect((await explain(first)).chain.at(-1)).toMatchObject({ link: "delivered", answer: "yes", connectionId });
  await run(["disconnect", connectionId, "--tenant", "demo"]);
  expect(await response.text()).toContain(`.${first}.`);
  const second = await publish();
  await waitFor("the end's entry", async () => (await explain(second)).firstNo === "connected");
  expect((await explain(first)).chain.map(({ answer }) => answer)).toEqual(Array(8).fill("yes"));
  const { out } = await sluice(["explain", "alice", "--tenant", "demo", "--sequence", second], { env });
  expect(out).toContain("the first no: connected");
});

test("an event stream of the edge is what clients and proxies need; one that refuses is not", async () => {
  const check = ["stream", "check", `${stack.streamUrl}/v1/stream?topic=issues.>`, "--seconds", "3", "--json"];
  const { code, out } = await sluice([...check, "--login"], { env });
  expect(out.filter((line) => !line.includes('"level":"ok"'))).toEqual([]);
  expect([code, out.length]).toEqual([0, 15]);
  const refused = await sluice(check, { env });
  expect([refused.code, refused.out.length]).toEqual([1, 1]);
});

test("the doctor finds a publisher that does not answer and a Redis that may evict, and nothing else but of the machine", async () => {
  const ports = { auth: stack.auth.ports, policy: stack.policy.ports, stream: stack.edge.ports };
  const ops = Object.entries(ports).map(([name, { ops: port }]) => [`${name.toUpperCase()}_OPS_PORT`, String(port)]);
  const stores = { NATS_URL: stack.nats.url("policy"), REDIS_URL: stack.redis.url.replace("auth:", "backup:") };
  const more = { ...Object.fromEntries(ops), ...stores, PUBLISH_OPS_PORT: "9" };
  await stack.redis.admin("CONFIG SET maxmemory-policy allkeys-lru");
  const { code, out } = await sluice(["doctor", "--json"], { env: { ...env, ...more } });
  await stack.redis.admin("CONFIG SET maxmemory-policy noeviction");
  const findings = out.map((line) => JSON.parse(line) as { check: string; level: string; found: string });
  const sick = findings.filter(({ level, check }) => level === "fail" && check !== "descriptors");
  expect(sick.map(({ check, found }) => [check, found])).toEqual([
    ["redis", "maxmemory-policy allkeys-lru"],
    ["publish", expect.stringMatching(/^does not answer: /)],
  ]);
  expect(code).toBe(1);
});

test("a stream is told again what it was sent and why, and a trace what became of its events", async () => {
  const { access_token: token } = await stack.login("alice");
  const stop = new AbortController();
  const headers = { authorization: `Bearer ${token}`, "x-sluice-client": "test" };
  const url = `${stack.streamUrl}/v1/stream?topic=issues.>&topic=push.>`;
  const response = await fetch(url, { headers, signal: stop.signal });
  const id = response.headers.get("x-connection-id") ?? "";
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const bus = await stack.bus("demo");
  const traced = newHeaders();
  traced.set("traceparent", `00-${traceId}-00f067aa0ba902b7-01`);
  await bus.js.publish("events.demo.issues.opened.told", "{}", { headers: traced });
  await bus.js.publish("events.demo.push.event.told", "{}");
  const replay = ["replay", "--tenant", "demo", "--connection", id];
  const told = await waitFor("the stream is in the connection log", async () => {
    const moments = await run(replay, asPolicy()).catch(() => []);
    return moments.some(({ what }) => what === "withheld") ? moments : undefined;
  });
  expect(told.map(({ what, topic }) => [what, topic])).toEqual([
    ["opened", undefined],
    ["sent", "issues.opened.told"],
    ["withheld", "push.event.told"],
    ["open", undefined],
  ]);
  expect(told[1]).toMatchObject({ why: expect.stringContaining("triager: issues:read") });
  stop.abort();
  const after = await waitFor("its end is in the connection log", async () => {
    const moments = await run(replay, asPolicy());
    return moments.at(-1)?.["what"] === "ended" ? moments : undefined;
  });
  expect(after.at(-1)).toMatchObject({ why: expect.stringMatching(/^gone after .* s: 1 events, /) });
  const replayTrace = ["replay", "--tenant", "demo", "--trace", traceId];
  expect(await run(replayTrace, asPolicy())).toMatchObject([
    { what: "stored", topic: "issues.opened.told" },
    { what: "sent", topic: "issues.opened.told", subject: "alice", connectionId: id, why: told[1]?.["why"] },
  ]);
  expect(await run([...replayTrace, "--subject", "bob"], asPolicy())).toMatchObject([
    { what: "stored" },
    { what: "nobody", subject: "bob", why: expect.stringMatching(/had asked for its topic; they may/) },
  ]);
});

test("a tenant is made, limited, suspended, resumed and deleted", async () => {
  expect(await run(["tenant", "create", "acme"])).toEqual([{ tenant: "acme", state: "active" }]);
  const limits = await run(["tenant", "limits", "acme", "--set", "tier=basic", "--set", "connections=7"]);
  expect(limits).toEqual([{ tenant: "acme", limits: { tier: "basic", connections: 7 } }]);
  expect(await run(["tenant", "limits", "acme", "--unset", "tier"])).toMatchObject([{ limits: { connections: 7 } }]);
  expect(await run(["tenant", "suspend", "acme"])).toMatchObject([{ state: "suspended" }]);
  expect(await run(["tenant", "show", "acme"])).toMatchObject([{ tenant: "acme", state: "suspended" }]);
  expect(await run(["tenant", "resume", "acme"])).toMatchObject([{ state: "active" }]);
  const listed = await run(["tenant", "list"]);
  expect(listed.map(({ tenant }) => tenant)).toEqual(expect.arrayContaining(["acme", "demo", "rival"]));
  await expect(run(["tenant", "delete", "acme"])).rejects.toThrow("nobody can be asked here: add --yes");
  expect(await run(["tenant", "delete", "acme", "--yes"])).toMatchObject([{ state: "deleted" }]);
});

test("a producer's key is made, rotated, listed and withdrawn, first by secret", async () => {
  const client = (...args: string[]) => run(["client", ...args, "--tenant", "demo"]);
  const [made = {}] = await client("add", "orders");
  const id = String(made["client_id"]);
  expect(await client("rotate", id)).toMatchObject([{ client_id: id, secret_number: 2 }]);
  await expect(client("rotate", id)).rejects.toThrow("at most 2 secrets");
  expect(await client("withdraw", id, "--secret", "1")).toEqual([{ client_id: id, secret_number: 1 }]);
  const listed = await client("list");
  expect(listed.find((each) => each["client_id"] === id)).toMatchObject({ secrets: [{ number: 2 }] });
  expect(JSON.stringify(listed)).not.toContain(made["client_secret"]);
  expect(await client("withdraw", id)).toEqual([{ client_id: id }]);
  await expect(client("withdraw", id)).rejects.toThrow("404 not_found");
});

test("one's own sessions are listed, and ended", async () => {
  const alice = { SLUICE_USER: "alice" };
  const { session_id: sid } = await stack.login("alice");
  const ids = async (): Promise<unknown[]> =>
    (await run(["session", "list"], alice)).map(({ session_id }) => session_id);
  expect(await ids()).toContain(sid);
  expect(await run(["session", "revoke", sid], alice)).toEqual([{ revoked: sid }]);
  expect(await ids()).not.toContain(sid);
  await expect(run(["session", "revoke", "nobodys"], alice)).rejects.toThrow("(404 not_found)");
});
