import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { headers } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EventStream, openEventStream } from "#test/support/event-stream.ts";
import { type Issuer, startIssuer } from "#test/support/start-issuer.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

const OPERATOR = { authorization: "Bearer operator-token-for-conditions" };
const OUTSIDE = "https://login.example.com";

interface Policy {
  readonly bindings?: readonly object[];
  readonly attributes?: object;
  readonly trust?: readonly object[];
}

let folder: string;
let issuer: Issuer;
let stack: Stack;
let edge: RunningService;
let bus: Bus;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-conditions-"));
  issuer = await startIssuer("RS256");
  stack = await startStack({
    policy: { POLICY_DOCUMENTS_DIR: folder, POLICY_OPERATOR_TOKEN: "operator-token-for-conditions" },
  });
  await call("PUT", "");
  const entry = { issuer: OUTSIDE, jwks_uri: issuer.jwksUri, audience: "api", tenant: "demo", algorithms: ["RS256"] };
  const file = join(folder, "issuers.json");
  await writeFile(file, JSON.stringify([{ ...entry, claims: { roles: "roles", groups: "groups" } }]));
  edge = await stack.startEdge({ AUTH_ISSUERS_FILE: file });
  bus = await stack.bus("demo");
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function call(method: string, path: string, body?: unknown): Promise<void> {
  const init = { method, headers: OPERATOR, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const response = await fetch(`${stack.policyUrl}/v1/tenants/demo${path}`, init);
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
}

/** Puts a policy in force: from its answer on, everything published is judged by it. */
async function put(policy: Policy): Promise<void> {
  await call("PUT", "/policy", {
    tenant: "demo",
    roles: {
      regional: { allow: [{ rule: "order:read", when: "event.region in subject.regions" }] },
      cleared: { allow: ["order:read"], deny: [{ rule: "order:read", when: "event.level not in ['low', 'mid']" }] },
      team: { allow: ["order:read@order.*.{team}"] },
      reader: { allow: ["order:read"] },
      clerk: { allow: [{ rule: "order:read", when: "event.amount <= subject.limit and event.ip in 10.0.0.0/8" }] },
      archivist: {
        allow: ["order:read"],
        deny: [{ rule: "order:read", when: "not (event.at < 2026-01-01T00:00:00Z and event.draft == false)" }],
      },
    },
    events: { "order.*": "order:read" },
    ...policy,
  });
}

async function publish(
  text: string,
  attributes: Record<string, string> = {},
  topic = "order.created.1",
): Promise<number> {
  const sent = headers();
  for (const [name, value] of Object.entries(attributes)) sent.set(`ce-${name}`, value);
  return (await bus.js.publish(`events.demo.${topic}`, text, { headers: sent })).seq;
}

/** Waits until every reader has decided the event: one that is held is judged by what is in force when it goes on. */
async function decided(seq: number): Promise<void> {
  await waitFor(`all readers are past ${seq}`, async () => {
    const response = await fetch(`http://127.0.0.1:${edge.ports.ops}/debug/connections`);
    const readers = (await response.json()) as readonly { readonly lastId: string }[];
    return readers.every(({ lastId }) => Number(lastId.split(".")[1]) >= seq);
  });
}

async function openAs(username: string): Promise<EventStream> {
  const { access_token: token } = await stack.login(username);
  return opened(token);
}

async function openFromOutside(claims: object): Promise<EventStream> {
  const iat = Math.floor(Date.now() / 1_000);
  return opened(await issuer.sign({ iss: OUTSIDE, aud: "api", sub: "dana", iat, exp: iat + 300, ...claims }));
}

async function opened(token: string): Promise<EventStream> {
  const stream = await openEventStream(`http://127.0.0.1:${edge.ports.http}/v1/stream?topic=order.>`, { token });
  if (stream.status === 200) await stream.frame("ready");
  return stream;
}

test("a condition on a header lets through what meets it, and nothing that does not say", async () => {
  await put({
    bindings: [
      { role: "regional", subjects: ["alice"] },
      { role: "cleared", subjects: ["bob"] },
    ],
    attributes: { alice: { regions: ["eu", "uk"] } },
  });
  await using alice = await openAs("alice");
  await using bob = await openAs("bob");
  await publish("asian, high", { region: "asia", level: "high" });
  await publish("says nothing");
  await publish("european, high", { region: "eu", level: "high" });
  await publish("asian, low", { region: "asia", level: "low" });
  await publish("british, mid", { region: "uk", level: "mid" });
  expect(await alice.receive(2)).toEqual(["european, high", "british, mid"]);
  expect(await bob.receive(2)).toEqual(["asian, low", "british, mid"]);
});

test("a condition reads headers as numbers, times, booleans and addresses, and what it cannot read lets nothing through", async () => {
  await put({
    bindings: [
      { role: "clerk", subjects: ["alice"] },
      { role: "archivist", subjects: ["bob"] },
    ],
    attributes: { alice: { limit: 1000 } },
  });
  await using alice = await openAs("alice");
  await using bob = await openAs("bob");
  const old = { at: "2026-01-01T00:59:59.9+01:00", draft: "false" };
  await publish("too much", { amount: "1000.01", ip: "10.0.0.1", ...old, draft: "true" });
  await publish("no number", { amount: "1,000", ip: "10.0.0.1", ...old, draft: "no" });
  await publish("not inside", { amount: "9", ip: "192.0.2.1", ...old, at: "2026-01-01T00:00:00Z" });
  await publish("no address", { amount: "9", ip: "10.0.0", ...old, at: "2025-12-31" });
  await publish("fits", { amount: "1e3", ip: "::ffff:10.0.0.1", ...old });
  expect(await alice.receive(1)).toEqual(["fits"]);
  expect(await bob.receive(1)).toEqual(["fits"]);
});

test("a changed attribute is in force for the next event, without a new connection", async () => {
  const bindings = [
    { role: "regional", subjects: ["alice"] },
    { role: "team", subjects: ["bob"] },
  ];
  await put({ bindings, attributes: { alice: { regions: "eu" }, bob: { team: "blue" } } });
  await using alice = await openAs("alice");
  await using bob = await openAs("bob");
  await decided(await publish("one", { region: "eu" }, "order.created.blue"));
  await put({ bindings, attributes: { alice: { regions: "us" }, bob: { team: ["red", "green"] } } });
  await publish("two", { region: "eu" }, "order.created.blue");
  await decided(await publish("three", { region: "us" }, "order.created.green"));
  await put({ bindings });
  await decided(await publish("four", { region: "us" }, "order.created.red"));
  await put({ bindings, attributes: { alice: { regions: "us" }, bob: { team: "red" } } });
  await publish("five", { region: "us" }, "order.created.red");
  expect(await alice.receive(3)).toEqual(["one", "three", "five"]);
  expect(await bob.receive(3)).toEqual(["one", "three", "five"]);
});

test("a binding that ends takes its right from open streams by itself", async () => {
  await put({ bindings: [{ role: "reader", subjects: ["bob"] }] });
  await using bob = await openAs("bob");
  await publish("before");
  await bob.receive(1);
  const until = new Date(Date.now() + 1_500).toISOString();
  await put({ bindings: [{ role: "reader", subjects: ["bob"], until }] });
  const { data } = await bob.frame("subscription");
  expect(JSON.parse(data)).toMatchObject({ topics: [{ topic: "order.>", granted: false }] });
  await publish("after its end");
  await put({ bindings: [{ role: "reader", subjects: ["bob"] }] });
  await publish("bound again");
  expect(await bob.receive(2)).toEqual(["before", "bound again"]);
});

test("roles and groups of an outside issuer count where the tenant trusts it for them", async () => {
  const bindings = [{ role: "reader", subjects: ["group:ops"] }];
  await put({ bindings });
  await using nobody = await openFromOutside({ roles: ["reader"], groups: ["ops"] });
  expect(nobody.status).toBe(403);
  await put({ bindings, trust: [{ issuer: OUTSIDE, groups: true }] });
  await using byRole = await openFromOutside({ roles: ["reader"] });
  expect(byRole.status).toBe(403);
  await using byGroup = await openFromOutside({ groups: ["ops"] });
  await publish("trusted");
  expect(await byGroup.receive(1)).toEqual(["trusted"]);
  await put({ bindings });
  await byGroup.frame("subscription");
  await publish("not any more");
  await put({ bindings, trust: [{ issuer: OUTSIDE, groups: true }] });
  await publish("again");
  expect(await byGroup.receive(2)).toEqual(["trusted", "again"]);
});

test("an event of a type that no rule names goes to nobody, and is counted", async () => {
  await put({ bindings: [{ role: "reader", subjects: ["bob"] }] });
  await using bob = await openAs("bob");
  await publish("nobody's", {}, "invoice.created.1");
  await publish("bob's");
  expect(await bob.receive(1)).toEqual(["bob's"]);
  const metrics = await (await fetch(`http://127.0.0.1:${edge.ports.ops}/metrics`)).text();
  expect(metrics).toMatch(/^sluice_stream_events_without_rule_total\{type="invoice.created"\} 1$/m);
});
