import { afterEach, beforeEach, expect, test } from "vitest";
import { createRig, type EdgeRig, NO_HISTORY } from "#test/rigs/edge-rig.ts";
import { recordOf } from "#test/rigs/subscription-record.ts";
import { storable } from "./durable/subscription-store.ts";
import { defineSubscription } from "./manage-subscription.ts";

const KEY = { tenant: "acme", subject: "alice", name: "orders" };
const SUBJECT = { id: "alice", roles: [], groups: [] };
const IDENTITY = { tenant: "acme", sid: "s", subject: SUBJECT, kid: "key-1", tokenExpiresAt: 4e9, isOutside: false };
const OWNED = { identity: IDENTITY, name: "orders" };
const DAY_MS = 86_400_000;

let rig: EdgeRig;
/** The last sequence that the log has, where that is not what the edge has read. */
let last: number | undefined;

beforeEach(() => {
  last = undefined;
  const history = {
    ...NO_HISTORY,
    bounds: async () => ({ first: 1, last: last ?? rig.tenant.log.horizon.seq, goneBy: "retention" as const }),
    tagOf: async (seq: number) => (seq <= (last ?? seq) ? `t${seq}` : undefined),
  };
  rig = createRig({ history });
});
afterEach(() => rig[Symbol.asyncDispose]());

/** What its owner asks for by `PUT`, again and again perhaps. */
function define(at: "now" | "earliest" = "now") {
  const { topics: _, ...defined } = recordOf().definition;
  const definition = { ...defined, backoffMs: [] };
  const wish = { definition, topics: ["order.>"], from: { at }, expected: undefined } as const;
  return defineSubscription(rig.edge, OWNED, wish, { requestId: undefined });
}

test("a subscription that was archived goes on at the end of the log, also where a new one would begin earlier", async () => {
  for (const text of ["one", "two", "three"]) rig.event(text);
  const through = rig.tenant.log.horizon;
  const record = recordOf({ through, seenAt: rig.clock.now });
  await rig.edge.subscriptions.store.put(KEY, storable(record), undefined);
  rig.clock.now += 15 * DAY_MS;
  rig.tenant.log.markAlive();
  const { record: now, isNew } = await define("earliest");
  expect([isNew, now.through, now.owed]).toEqual([false, through, undefined]);
});

test("a subscription is not made behind what its log has lost, before the edge has noticed", async () => {
  for (const text of ["kept", "lost", "lost, too"]) rig.event(text);
  last = 2;
  await expect(define()).rejects.toMatchObject({ code: "unavailable" });
  expect(await rig.edge.subscriptions.store.read(KEY)).toBeUndefined();
  last = undefined;
  expect((await define()).record.through).toEqual({ seq: 4, tag: "t4" });
});
