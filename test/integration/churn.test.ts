import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { noteRights } from "#test/support/checker/administrator.ts";
import { conclude } from "#test/support/checker/audit.ts";
import type { Ledger } from "#test/support/checker/ledger.ts";
import { createProducer, type Producer } from "#test/support/checker/producer.ts";
import { type LedgerReader, startReader } from "#test/support/checker/reader.ts";
import { freeze, thaw } from "#test/support/freeze.ts";
import { type Stack, startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";
import { amountOf, timeoutOf } from "../soak/amount.ts";

const END = "end";
const CLIENTS = 12;
/** About 200 a second. */
const EVENTS = amountOf("churn", 1_500);

let stack: Stack;
let urls: readonly string[];

beforeAll(async () => {
  stack = await startStack({ auth: { AUTH_ACCESS_TOKEN_SECONDS: "3600" } });
  const other = await stack.startEdge();
  const edges = [stack.streamUrl, `http://127.0.0.1:${other.ports.http}`];
  urls = edges.map((edge) => `${edge}/v1/stream?topic=push.>&topic=issues.>`);
});
afterAll(() => stack[Symbol.asyncDispose]());

test(
  "clients that hop between edges while roles change, an edge stands still and the broker dies lose and repeat nothing",
  async () => {
    const ledger: Ledger = [];
    const producer = createProducer(await stack.bus("demo"), "demo", ledger);
    const clients = await Promise.all(Array.from({ length: CLIENTS }, (_, index) => startClient(ledger, index)));
    const published = publishAll(producer);
    const over = new AbortController();
    void published.finally(() => over.abort());
    do await disturb();
    while (!over.signal.aborted);
    await published;
    await Promise.all(clients.map(({ ended }) => ended));

    // Half of the clients may see everything, half of them every other event; each had to be there from the start.
    const delivered = (CLIENTS / 2) * (EVENTS + 1) + (CLIENTS / 2) * (EVENTS / 2 + 1);
    expect(conclude(ledger)).toMatchObject({ delivered, gaps: 0, resets: 0 });
  },
  timeoutOf(120_000),
);

/** Answers once the client is connected, with the promise of its end: when it has seen the last event. */
async function startClient(ledger: Ledger, index: number): Promise<{ readonly ended: Promise<void> }> {
  const isBob = index % 2 === 0;
  const client = `client ${index}`;
  const { access_token: token } = await stack.login(isBob ? "bob" : "alice");
  const reader = await startReader(ledger, { client, tenant: "demo", token, urls });
  noteRights(ledger, client, isBob ? ["push.>", "issues.>"] : ["issues.>"]);
  void hop(reader, index);
  return { ended: finish(reader) };
}

async function finish(reader: LedgerReader): Promise<void> {
  await reader.complete(END, timeoutOf(90_000));
  await reader[Symbol.asyncDispose]();
}

/** Ends each connection after a moment. */
async function hop(reader: LedgerReader, from: number): Promise<void> {
  for (let turn = from; !reader.isOver; turn += 1) {
    await delay(100 + ((turn * 397) % 900));
    reader.hop();
  }
}

async function publishAll(producer: Producer): Promise<void> {
  const publishing: Promise<void>[] = [];
  for (let n = 0; n < EVENTS; n += 1) {
    publishing.push(producer.publish(n % 2 === 0 ? "issues.opened.k" : "push.event.k", String(n)));
    await delay(3);
  }
  await Promise.all(publishing);
  await producer.publish("issues.closed.k", END);
}

/** None of this changes what alice and bob may see, and all of it is noticed by their streams. */
async function disturb(): Promise<void> {
  await stack.setRoles("bob", ["maintainer", "triager"]);
  await delay(1_000);
  await freeze(stack.edge.child.process);
  await delay(700);
  thaw(stack.edge.child.process);
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
