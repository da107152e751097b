import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openEventStream } from "#test/support/event-stream.ts";
import { type Acknowledged, audit, type ClientLedger, type Delivered } from "#test/support/ledger.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

const END = "end";
const CLIENTS = 12;
const EVENTS = 2_500;

let stack: Stack;
let bus: Bus;
let edges: readonly string[];

beforeAll(async () => {
  stack = await startStack();
  const other = await stack.startEdge();
  edges = [stack.streamUrl, `http://127.0.0.1:${other.ports.http}`];
  bus = await stack.bus("demo");
});
afterAll(() => stack[Symbol.asyncDispose]());

test("clients that hop between edges while roles change, an edge stands still and the broker dies lose and repeat nothing", async () => {
  const acknowledged: Acknowledged[] = [];
  const people = await Promise.all(Array.from({ length: CLIENTS }, (_, index) => startClient(index)));
  const published = publishAll(acknowledged);
  await disturb();
  await published;
  const clients = await Promise.all(people.map(({ ledger }) => ledger));

  const { delivered, ...wrong } = audit(acknowledged, clients);
  expect(wrong).toEqual({ lost: 0, duplicates: 0, outOfOrder: 0, forbidden: 0 });
  // Half of the clients may see everything, half of them every other event; each had to be there from the start.
  expect(delivered).toBe((CLIENTS / 2) * (EVENTS + 1) + (CLIENTS / 2) * (EVENTS / 2 + 1));
}, 120_000);

/** A client that is connected; its ledger is complete when it has seen the end. */
async function startClient(index: number): Promise<{ readonly ledger: Promise<ClientLedger> }> {
  const [username, maySee] =
    index % 2 === 0
      ? (["bob", () => true] as const)
      : (["alice", (topic: string) => topic.startsWith("issues.")] as const);
  const { access_token: token } = await stack.login(username);
  const connected = Promise.withResolvers<void>();
  const hopping = hop(token, connected.resolve);
  await connected.promise;
  return { ledger: hopping.then((delivered) => ({ maySee, delivered })) };
}

/** Connects to one edge after the other, each time for a moment, always after the last id. */
async function hop(token: string, onConnected: () => void): Promise<Delivered[]> {
  const delivered: Delivered[] = [];
  let lastEventId: string | undefined;
  for (let turn = 0; delivered.at(-1)?.text !== END; turn += 1) {
    const url = `${edges[turn % edges.length]}/v1/stream?topic=push.>&topic=issues.>`;
    const stream = await openEventStream(url, { token, ...(lastEventId === undefined ? {} : { lastEventId }) });
    if (stream.status === 200) await stream.frame(({ event }) => event === "ready" || event === "busy");
    onConnected();
    await delay(100 + ((turn * 397) % 900));
    await stream[Symbol.asyncDispose]();
    const events = stream.frames.filter(({ event }) => event === "message");
    delivered.push(...events.map(({ id, data }) => ({ sequence: Number(id?.split(".")[1]), text: data })));
    lastEventId = stream.lastId() ?? lastEventId;
  }
  return delivered;
}

async function publishAll(acknowledged: Acknowledged[]): Promise<void> {
  const publishing: Promise<void>[] = [];
  for (let n = 0; n < EVENTS; n += 1) {
    publishing.push(publish(n % 2 === 0 ? "issues.opened.k" : "push.event.k", String(n), acknowledged));
    await delay(3);
  }
  await Promise.all(publishing);
  await publish("issues.closed.k", END, acknowledged);
}

/** Publishes under an id until the event is acknowledged: a retry after a lost acknowledgement stores nothing twice. */
async function publish(topic: string, text: string, acknowledged: Acknowledged[]): Promise<void> {
  for (;;) {
    const ack = await bus.js
      .publish(`events.demo.${topic}`, text, { msgID: text, timeout: 2_000 })
      .catch(() => undefined);
    if (ack !== undefined) return void acknowledged.push({ sequence: ack.seq, topic, text });
    await delay(50);
  }
}

/** None of this changes what alice and bob may see, and all of it is noticed by their streams. */
async function disturb(): Promise<void> {
  await stack.setRoles("bob", ["maintainer", "triager"]);
  await delay(1_000);
  stack.edge.child.process.kill("SIGSTOP");
  await delay(700);
  stack.edge.child.process.kill("SIGCONT");
  await stack.setRoles("carol", ["triager"]);
  await delay(1_000);
  await stack.nats.stop("SIGKILL");
  await stack.nats.start();
  await waitFor("policy has the bus again", () =>
    stack.setRoles("bob", ["maintainer"]).then(
      () => true,
      () => false,
    ),
  );
}
