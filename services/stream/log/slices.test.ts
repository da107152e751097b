import { expect, test } from "vitest";
import type { History } from "../connections/tenant.ts";
import { Tenant } from "../connections/tenant.ts";
import { type EventEntry, holeOf, type LogEntry } from "../event.ts";
import { Slices } from "./slices.ts";
import { TailBudget } from "./tail.ts";

test("what is erased between its reading from JetStream and its delivery is not delivered", async () => {
  const { tenant, slices } = slicesOf([event(1, "order.created.1"), event(2, "order.created.2")]);
  await slices.fetch(0);
  tenant.erase({ subject: "order.*.1", through: 1 });
  expect(slices.after(0)).toEqual([holeOf(1, 1), event(2, "order.created.2")]);
});

test("an erasure reaches no further than its sequence", async () => {
  const { tenant, slices } = slicesOf([event(1, "order.created.1"), event(2, "order.created.1")]);
  tenant.erase({ subject: "order.created.*", through: 1 });
  await slices.fetch(0);
  expect(slices.after(0)).toEqual([holeOf(1, 1), event(2, "order.created.1")]);
});

test("what was read before a purge that no entry tells of is read again", async () => {
  const { tenant, slices } = slicesOf([event(1, "order.created.1")]);
  await slices.fetch(0);
  tenant.forgetTail();
  expect(slices.after(0)).toBeUndefined();
  await slices.fetch(0);
  expect(slices.after(0)).toHaveLength(1);
});

test("a hole that ends beyond the horizon ends at it", async () => {
  const { slices } = slicesOf([event(1, "order.created.1"), holeOf(2, 90)]);
  await slices.fetch(0);
  expect(slices.after(0)).toEqual([event(1, "order.created.1"), holeOf(2, 9)]);
});

/** Slices of a log that stands at 9, of which JetStream answers these entries. */
function slicesOf(entries: readonly LogEntry[]): { tenant: Tenant; slices: Slices } {
  const history: History = {
    after: async () => entries,
    bounds: async () => ({ first: 1, last: 9, goneBy: "purged" }),
    tagOf: async () => undefined,
    positionBefore: async () => ({ seq: 0, tag: "0" }),
  };
  const unused = (): Promise<never> => Promise.reject(new Error("nobody is asked"));
  const tenant = new Tenant("acme", history, {
    decider: { resolve: unused, decide: unused },
    tailBudget: new TailBudget(1e6),
    flushMs: 0,
    now: () => 1,
    onPoison: () => {},
  });
  tenant.open("first-epoch", { seq: 9, tag: "t9" });
  return { tenant, slices: new Slices(tenant, (_, fetch) => fetch()) };
}

function event(seq: number, topic: string): EventEntry {
  return {
    kind: "event",
    position: { seq, tag: `t${seq}` },
    topic,
    type: "order.created",
    payload: Buffer.from("x"),
    storedAt: 0,
    attributes: {},
    frames: undefined,
  };
}
