import { expect, test } from "vitest";
import { eventAt } from "#test/rigs/event-entry.ts";
import { encodeControl, encodeEvent, heartbeatOf, type FrameFormat } from "../frames/encode-frame.ts";
import { bounded, encodeBatch, encodeNotice, messageIdOf, readFrames } from "./read-batch.ts";

const FORMAT: FrameFormat = { body: "cloudevents", naming: "message", framing: "json" };
const KEY = { tenant: "acme", subject: "alice", name: "orders" };

function frameOf(seq: number, payload: string): Buffer {
  return encodeEvent("acme", "epoch", { ...eventAt(seq), payload: Buffer.from(payload) }, FORMAT);
}

test("a batch has the events and, as CloudEvents, what a receiver must know beside them", () => {
  const frames = Buffer.concat([
    heartbeatOf(FORMAT),
    encodeControl(FORMAT, "cursor", "", { id: "epoch.6.t" }),
    encodeControl(FORMAT, "gap", { from: "epoch.1.t", to: "epoch.6.t", reason: "retention" }, { id: "epoch.6.t" }),
    frameOf(7, '{"a":\n1}'),
    frameOf(8, '{"event":"gap"}'),
  ]);
  const { events, notices } = readFrames(frames);
  const own = notices.map((notice) => encodeNotice(notice, "acme"));
  expect(JSON.parse(encodeBatch([...own, ...events]).toString())).toMatchObject([
    { type: "sluice.gap", source: "/tenants/acme", sluiceid: "epoch.6.t", data: { reason: "retention" } },
    { type: "order.created", sluiceid: "epoch.7.t", data: { a: 1 } },
    { type: "order.created", sluiceid: "epoch.8.t", data: { event: "gap" } },
  ]);
});

test("a message has the same id whenever the same events go together, and another with others", () => {
  const at = (seq: number) => ({ seq, tag: "t" });
  const id = messageIdOf(KEY, [at(1), at(2)]);
  expect(id).toMatch(/^msg_[A-Za-z0-9_-]{27}$/);
  expect(messageIdOf(KEY, [at(1), at(2)])).toBe(id);
  const others = [messageIdOf(KEY, [at(1)]), messageIdOf({ ...KEY, name: "x" }, [at(1), at(2)])];
  expect(new Set([id, ...others]).size).toBe(3);
});

test("more notices than may wait are told by one that covers the first of them", () => {
  const gap = (from: number, to: number) =>
    ({
      event: "gap",
      id: `first-epoch.${to}.0`,
      data: { from: `first-epoch.${from}.0`, to: `first-epoch.${to}.0`, reason: "erased" },
    }) as const;
  const reset = { event: "reset", id: "first-epoch.4.t", data: { reason: "tail_lost" } } as const;
  expect(bounded([gap(1, 2), gap(3, 4)], 2)).toEqual([gap(1, 2), gap(3, 4)]);
  expect(bounded([gap(1, 2), gap(3, 4), gap(5, 6)], 2)).toEqual([gap(1, 4), gap(5, 6)]);
  // Events that come again are told in their own order.
  expect(bounded([gap(7, 9), gap(3, 4), gap(5, 6)], 1)).toEqual([gap(3, 9)]);
  expect(bounded([gap(7, 9), reset, gap(5, 6)], 1)).toEqual([reset]);
});
