import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EventStream, openEventStream } from "#test/support/event-stream.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";

const OPERATOR_TOKEN = "operator-token-for-masks";
const ORDER = '{"id":12345678901234567890,"card":"4111","customer":{"name":"Jo","email":"jo@example.com"}}';
const WITHOUT_EMAIL = '{"id":12345678901234567890,"customer":{"name":"Jo"}}';
const WITHOUT_CUSTOMER = '{"id":12345678901234567890,"card":"4111"}';

let folder: string;
let stack: Stack;
let edge: RunningService;
let bus: Bus;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-masks-"));
  stack = await startStack({ policy: { POLICY_DOCUMENTS_DIR: folder, POLICY_OPERATOR_TOKEN: OPERATOR_TOKEN } });
  await call("PUT", "");
  edge = await stack.startEdge({});
  bus = await stack.bus("demo");
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

test("each reader gets the fields that its roles show, live and from history; a change counts from the next event", async () => {
  await put(["card", "customer.email"]);
  await using alice = await openAs("alice");
  await using bob = await openAs("bob");
  await using envelopes = await openAs("alice", "&format=cloudevents");
  await publish(ORDER);
  expect(await bob.receive(1)).toEqual([ORDER]);
  expect(await alice.receive(1)).toEqual([WITHOUT_EMAIL]);
  expect((await envelopes.receive(1))[0]).toContain(`"data":${WITHOUT_EMAIL}}`);

  await put(["customer"]);
  await publish(ORDER);
  expect(await alice.receive(2)).toEqual([WITHOUT_EMAIL, WITHOUT_CUSTOMER]);
  expect(await bob.receive(2)).toEqual([ORDER, ORDER]);

  await using earlier = await openAs("alice", "&from=earliest");
  expect(await earlier.receive(2)).toEqual([WITHOUT_CUSTOMER, WITHOUT_CUSTOMER]);
});

test("an event of which no part can be told is kept from readers under a mask", async () => {
  await put(["card"]);
  await using alice = await openAs("alice");
  await using bob = await openAs("bob");
  const texts = ["card: 4111", '{"card":1}\n{"card":2}', '{"note":"marker"}'];
  for (const text of texts) await publish(text);
  expect(await bob.receive(3)).toEqual(texts);
  expect(await alice.receive(1)).toEqual(['{"note":"marker"}']);
});

async function put(mask: readonly string[]): Promise<void> {
  await call("PUT", "/policy", {
    tenant: "demo",
    roles: { clerk: { allow: [{ rule: "order:read", mask }] }, reader: { allow: ["order:read"] } },
    bindings: [
      { role: "clerk", subjects: ["alice"] },
      { role: "reader", subjects: ["bob"] },
    ],
    events: { "order.*": "order:read" },
  });
}

async function call(method: string, path: string, body?: unknown): Promise<void> {
  const init = { method, headers: { authorization: `Bearer ${OPERATOR_TOKEN}` } };
  const url = `${stack.policyUrl}/v1/tenants/demo${path}`;
  const response = await fetch(url, body === undefined ? init : { ...init, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
}

async function publish(text: string): Promise<void> {
  await bus.js.publish("events.demo.order.created.1", text);
}

async function openAs(username: string, query = ""): Promise<EventStream> {
  const { access_token: token } = await stack.login(username);
  const url = `http://127.0.0.1:${edge.ports.http}/v1/stream?topic=order.>${query}`;
  const stream = await openEventStream(url, { token });
  await stream.frame("ready");
  return stream;
}
