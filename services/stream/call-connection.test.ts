import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createRig, type EdgeRig, NO_HISTORY } from "#test/rigs/edge-rig.ts";
import { openEvent, recordOf } from "#test/rigs/subscription-record.ts";
import { waitFor } from "#test/support/wait.ts";
import { openCalls } from "./call-connection.ts";
import { type HolderCall, holdAnswerOf } from "./connections/calls/command-hold.ts";
import type { Connection } from "./connections/connection.ts";
import { storable } from "./durable/subscription-store.ts";
import { commandSubscription } from "./manage-subscription.ts";
import { openWebhook } from "./open-webhook.ts";
import { plainBody } from "./sse/body-coding.ts";

const NO_PEERS = {
  call: () => Promise.reject(new Error("it is here")),
  serve: () => ({ [Symbol.dispose]: () => {} }),
};
const KEY = { tenant: "acme", subject: "alice", name: "orders" };

let rig: EdgeRig;
beforeEach(() => (rig = createRig()));
afterEach(() => rig[Symbol.asyncDispose]());

test("a callback's stream carries out commands for its subscription, and its owner can neither rebind nor change it", async () => {
  const deliver = { url: "https://hooks.example.com/a", secretRef: "hook" };
  const definition = { ...recordOf().definition, topics: { "order.>": 0 }, deliver };
  const record = recordOf({ definition, through: rig.tenant.log.horizon, seenAt: rig.clock.now });
  await rig.edge.subscriptions.store.put(KEY, storable(record), undefined);
  const { reader } = await openWebhook(rig.edge, KEY, () => new Nowhere());
  const { identity } = reader.registration;
  using calls = openCalls({ ...rig.edge, workerId: "w" }, NO_PEERS);
  const called = { connectionId: reader.ids.connectionId, identity };
  for (const call of [{ kind: "rebind" }, { kind: "topics", add: ["order.a"], remove: [] }] as const) {
    await expect(calls.callConnection({ ...called, ...call })).rejects.toMatchObject({ code: "not_found" });
  }
  expect([reader.registration.identity, reader.registration.ended]).toEqual([identity, undefined]);
  const look = { kind: "subscription", name: "orders", command: { do: "look" } } as const;
  expect(await calls.callConnection({ ...called, ...look })).toHaveProperty("record");
});

test("what is acknowledged while a stream attaches is acknowledged by it: nothing comes again behind the answer", async () => {
  const order: string[] = [];
  const bounds = Promise.withResolvers<{ first: number; last: number; goneBy: "retention" }>();
  await using slow = createRig({ history: { ...NO_HISTORY, bounds: () => bounds.promise } });
  slow.event("open");
  const definition = { ...recordOf().definition, topics: { "order.>": 0 } };
  const through = { seq: 0, tag: "0" };
  const record = recordOf({ definition, through, open: new Map([openEvent(2, 1e9)]), seenAt: slow.clock.now });
  await slow.edge.subscriptions.store.put(KEY, storable(record), undefined);
  using calls = openCalls({ ...slow.edge, workerId: "w" }, NO_PEERS);
  const asked = Promise.withResolvers<void>();
  const callHolder = async (call: HolderCall) => {
    asked.resolve();
    return holdAnswerOf(await calls.callConnection(call));
  };
  const edge = { ...slow.edge, subscriptions: { ...slow.edge.subscriptions, callHolder } };
  const opening = slow.open("subscription=orders");
  await waitFor(
    "it is the holder",
    async () => (await edge.subscriptions.store.read(KEY))?.record.holder !== undefined,
  );
  const subject = { id: "alice", roles: [], groups: [] };
  const identity = { tenant: "acme", sid: "s", subject, kid: "key-1", tokenExpiresAt: 4e9, isOutside: false };
  const acknowledge = { do: "acknowledge", ids: ["first-epoch.2.t2"] } as const;
  const acknowledged = commandSubscription(
    edge,
    { identity, name: "orders" },
    { ...acknowledge, ids: [...acknowledge.ids] },
  ).then(() => order.push("acknowledged"));
  await asked.promise;
  await turn();
  order.push("begins");
  bounds.resolve({ first: 1, last: 2, goneBy: "retention" });
  await Promise.all([opening, acknowledged]);
  expect(order).toEqual(["begins", "acknowledged"]);
  expect((await edge.subscriptions.store.read(KEY))?.record.open.size).toBe(0);
});

/** A connection that takes everything, and leads nowhere. */
class Nowhere implements Connection {
  readonly coding = plainBody;
  readonly writable = true;
  readonly behind = false;
  readonly progress = 0;
  readonly bytes = 0;
  readonly #closed = Promise.withResolvers<void>();
  readonly closed = this.#closed.promise;

  write(): void {}
  writeCoded(): void {}
  drained = () => Promise.resolve();
  end = () => this.#closed.resolve();
  reset = () => this.#closed.resolve();
  fail = () => this.#closed.resolve();
}
