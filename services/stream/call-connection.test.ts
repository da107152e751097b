import { afterEach, beforeEach, expect, test } from "vitest";
import { createRig, type EdgeRig } from "#test/rigs/edge-rig.ts";
import { recordOf } from "#test/rigs/subscription-record.ts";
import { openCalls } from "./call-connection.ts";
import type { Connection } from "./connections/connection.ts";
import { storable } from "./durable/subscription-store.ts";
import { openWebhook } from "./open-webhook.ts";
import { plainBody } from "./sse/body-coding.ts";

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
  using calls = openCalls(
    { ...rig.edge, workerId: "w" },
    { call: () => Promise.reject(new Error("it is here")), serve: () => ({ [Symbol.dispose]: () => {} }) },
  );
  const called = { connectionId: reader.ids.connectionId, identity };
  for (const call of [{ kind: "rebind" }, { kind: "topics", add: ["order.a"], remove: [] }] as const) {
    await expect(calls.callConnection({ ...called, ...call })).rejects.toMatchObject({ code: "not_found" });
  }
  expect([reader.registration.identity, reader.registration.ended]).toEqual([identity, undefined]);
  const look = { kind: "subscription", name: "orders", command: { do: "look" } } as const;
  expect(await calls.callConnection({ ...called, ...look })).toHaveProperty("record");
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
