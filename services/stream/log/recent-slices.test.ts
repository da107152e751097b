import { expect, test } from "vitest";
import type { EventEntry } from "../event.ts";
import { encodeEvent } from "../frames/encode-frame.ts";
import { RecentSlices } from "./recent-slices.ts";
import { TailBudget } from "./tail.ts";

const MIB = 1024 * 1024;
const RAW = { body: "raw", naming: "message", framing: "sse" } as const;

test("what readers of one tenant have read takes 16 MiB at most, frames among it, and is given back whole", async () => {
  const budget = new TailBudget(1_000 * MIB);
  const recent = new RecentSlices(budget, () => 1);
  const events = Array.from({ length: 20 }, (_, index) => eventOf(index + 1));
  for (const [index, event] of events.entries()) {
    await recent.share(index, async () => [event]);
    expect(budget.bytes).toBeLessThanOrEqual(16 * MIB);
  }
  expect(recent.length).toBeGreaterThan(5);
  expect(recent.after(0)).toBeUndefined();
  expect(recent.after(19)).toEqual([events[19]]);
  // The frame of the oldest may push out the oldest itself.
  for (const event of events) {
    encodeEvent("acme", "epoch", event, RAW);
    expect(budget.bytes).toBeLessThanOrEqual(16 * MIB);
  }
  recent.clear();
  expect(budget.bytes).toBe(0);
});

test("a read that fails is not waited for any more, and leaves nothing", async () => {
  const recent = new RecentSlices(new TailBudget(MIB), () => 1);
  const failed = recent.share(0, () => Promise.reject(new Error("away")));
  const pending = recent.pendingAt(5);
  expect(recent.pendingAt(500)).toBeUndefined();
  await expect(failed).rejects.toThrow("away");
  await pending;
  expect([recent.pendingAt(5), recent.length]).toEqual([undefined, 0]);
});

function eventOf(seq: number): EventEntry {
  return {
    kind: "event",
    position: { seq, tag: `t${seq}` },
    topic: "order.created",
    type: "order.created",
    payload: Buffer.alloc(MIB, 97),
    storedAt: 0,
    attributes: {},
    frames: undefined,
  };
}
