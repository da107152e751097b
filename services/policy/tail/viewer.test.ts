import { expect, test } from "vitest";
import type { TailFrame } from "#shared/contract/tail-frame.ts";
import { type FilteredEvent, Watching } from "./viewer.ts";

function eventAt(seq: number): FilteredEvent {
  return { seq, event: { topic: "order.created.1", type: "order.created" }, attributes: {} };
}

test("a person's rights are asked for 500 events between two rounds, and once for each; the rest is told as left out", () => {
  const judged: number[] = [];
  const frames: TailFrame[] = [];
  const sees = ({ seq }: FilteredEvent): boolean => judged.push(seq) > 0;
  const viewer = { filter: { topics: [], sees }, show: (frame: TailFrame) => void frames.push(frame), end: () => {} };
  const watching = new Watching(viewer, 0);
  const wanted = Array.from({ length: 501 }, (_, place) => watching.wants(eventAt(place + 1)));
  expect([wanted.filter(Boolean).length, wanted[499], wanted[500]]).toEqual([500, true, false]);
  expect(watching.wants(eventAt(400))).toBe(true);
  expect(judged).toHaveLength(500);
  watching.beginRound();
  expect(frames).toEqual([{ event: "left_out", data: { count: 1 } }]);
  expect(watching.wants(eventAt(502))).toBe(true);
});
