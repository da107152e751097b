import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { changeRoles, noteRights } from "#test/support/checker/administrator.ts";
import { conclude } from "#test/support/checker/audit.ts";
import { type Ledger, monotonicMs } from "#test/support/checker/ledger.ts";
import { createProducer } from "#test/support/checker/producer.ts";
import { type LedgerReader, startReader } from "#test/support/checker/reader.ts";
import { type Login, type Stack, startStack } from "#test/support/start-stack.ts";
import { startTcpProxy } from "#test/support/tcp-proxy.ts";

const TOKEN_SECONDS = 4;
const TOPICS = ["push.event.k", "issues.opened.k"];

let stack: Stack;
let urls: readonly string[];

beforeAll(async () => {
  stack = await startStack();
  const other = await stack.startEdge();
  urls = [stack.edge, other].map(({ ports }) => streamUrl(ports.http));
});
afterAll(() => stack[Symbol.asyncDispose]());

test("while roles come and go, a session ends and two tenants publish, nobody gets what is not theirs and nothing is lost", async () => {
  const ledger: Ledger = [];
  const producers = await Promise.all(
    ["demo", "rival"].map(async (tenant) => createProducer(await stack.bus(tenant as "demo"), tenant, ledger)),
  );
  const carol = await stack.login("carol");
  const [bobs, alice, mallory, leaving] = await Promise.all([
    Promise.all([0, 1].map(async (edge) => join(ledger, `bob ${edge}`, await stack.login("bob"), "demo", edge))),
    join(ledger, "alice", await stack.login("alice"), "demo", 0),
    join(ledger, "mallory", await stack.login("mallory", "rival"), "rival", 0),
    join(ledger, "carol", carol, "demo", 1),
  ]);
  noteRights(ledger, "alice", ["issues.>"]);
  const publishing = producers.map((producer, index) => producer.publishSteadily(TOPICS, `tenant ${index}:`, 5));
  for (let round = 0; round < 12; round += 1) {
    await setBob(ledger, "triager", ["issues.>"]);
    await delay(60);
    await setBob(ledger, "maintainer", ["issues.>", "push.>"]);
    await delay(60);
    if (round === 6) await logOut(ledger, "carol", carol);
  }
  await Promise.all(publishing.map((each) => each.stop()));
  await Promise.all(producers.map((producer, index) => producer.publish("issues.closed.k", `end of ${index}`)));
  await Promise.all([...bobs, alice].map((reader) => reader.complete("end of 0")));
  await mallory.complete("end of 1");
  await Promise.all([...bobs, alice, mallory, leaving].map((reader) => reader[Symbol.asyncDispose]()));
  expect(conclude(ledger)).toMatchObject({ gaps: 0, resets: 0 });
  expect(leaving.frames.some(({ event }) => event === "auth_error")).toBe(true);
});

test("while auth and policy are out of reach, or reset every call, a changed right is waited for and nothing slips through", async () => {
  const ledger: Ledger = [];
  await using toAuth = await startTcpProxy(stack.auth.ports.grpc);
  await using toPolicy = await startTcpProxy(stack.policy.ports.grpc);
  await using edge = await stack.startEdge({
    AUTH_GRPC_URL: `127.0.0.1:${toAuth.port}`,
    POLICY_GRPC_URL: `127.0.0.1:${toPolicy.port}`,
  });
  const { access_token: token } = await stack.login("bob");
  const reading = { tenant: "demo", token, urls: [streamUrl(edge.ports.http)] };
  const readers = await Promise.all(["bob 0", "bob 1"].map((client) => startReader(ledger, { ...reading, client })));
  const producer = createProducer(await stack.bus("demo"), "demo", ledger);
  const publishing = producer.publishSteadily(TOPICS, "peers", 10);
  for (const mode of ["blackhole", "reset", "half-close", { delayMs: 200 }] as const) {
    toAuth.set(mode);
    toPolicy.set(mode);
    await setBob(ledger, "triager", ["issues.>"]);
    await delay(400);
    await setBob(ledger, "maintainer", ["issues.>", "push.>"]);
    toAuth.set("pass");
    toPolicy.set("pass");
    await delay(200);
  }
  await publishing.stop();
  await producer.publish("issues.closed.k", "end");
  await Promise.all(readers.map((reader) => reader.complete("end")));
  await Promise.all(readers.map((reader) => reader[Symbol.asyncDispose]()));
  expect(conclude(ledger)).toMatchObject({ gaps: 0, resets: 0 });
});

test("with auth gone, nothing comes later than two seconds after the session's end", async () => {
  const ledger: Ledger = [];
  const auth = await stack.startAuth({ AUTH_ACCESS_TOKEN_SECONDS: String(TOKEN_SECONDS) });
  await using edge = await stack.startEdge({ AUTH_GRPC_URL: `127.0.0.1:${auth.ports.grpc}` });
  const producer = createProducer(await stack.bus("demo"), "demo", ledger);
  const login = await logInAt(auth.ports.http);
  const reader = await startReader(ledger, {
    client: "carol",
    tenant: "demo",
    token: login.access_token,
    urls: [streamUrl(edge.ports.http)],
  });
  const publishing = producer.publishSteadily(TOPICS, "expiry", 20);
  await reader.frame(({ event }) => event === "message");
  await auth.child.end("SIGKILL");
  // Auth prolongs a session by that much at most, and does so no more.
  ledger.push({ of: "expires", client: "carol", expiresAt: monotonicMs() + TOKEN_SECONDS * 1_000 });
  await reader.frame("auth_error");
  await delay(3_000);
  await publishing.stop();
  await reader[Symbol.asyncDispose]();
  expect(conclude(ledger).acknowledged).toBeGreaterThan(100);
});

function streamUrl(port: number): string {
  return `http://127.0.0.1:${port}/v1/stream?topic=push.>&topic=issues.>`;
}

function join(ledger: Ledger, client: string, login: Login, tenant: string, edge: number): Promise<LedgerReader> {
  return startReader(ledger, { client, tenant, token: login.access_token, urls: urls.slice(edge, edge + 1) });
}

function setBob(ledger: Ledger, role: string, topics: readonly string[]): Promise<void> {
  return changeRoles(stack, ledger, { subject: "bob", roles: [role], clients: ["bob 0", "bob 1"] }, topics);
}

async function logOut(ledger: Ledger, client: string, { access_token }: Login): Promise<void> {
  const askedAt = monotonicMs();
  const headers = { authorization: `Bearer ${access_token}` };
  const { status } = await fetch(`${stack.authUrl}/v1/auth/logout`, { method: "POST", headers });
  expect(status).toBe(204);
  ledger.push({ of: "ended", client, askedAt, acknowledgedAt: monotonicMs() });
}

async function logInAt(port: number): Promise<Login> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ tenant: "demo", username: "carol", password: "sluice-demo" }),
  });
  return (await response.json()) as Login;
}
