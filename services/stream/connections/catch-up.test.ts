import { expect, test } from "vitest";
import { createRig, NO_HISTORY } from "#test/rigs/edge-rig.ts";
import { waitFor } from "#test/support/wait.ts";
import type { EventEntry, Position } from "../event.ts";
import type { History } from "../log/tenant-log.ts";

/** The entries of one slice of history. */
const SLICE = 200;

test("a catch-up that finds nothing asks where to go on, is live there, and tells its client", async () => {
  const { history, reads } = historyOf((horizon) => horizon);
  await using rig = createRig({ history });
  rig.event("the last", 5_000);
  const stream = await rig.open("topic=order.never.>&from=earliest");
  await waitFor("the client's cursor is the horizon", () => stream.raw().includes(cursor("first-epoch.5000.t5000")));
  expect(reads).toEqual([0, SLICE, 2 * SLICE, 3 * SLICE]);
  rig.event("of another topic");
  await stream.allWritten();
  expect(stream.events()).toEqual([]);
});

test("a catch-up for which the log must be read through tells its client now and then how far it is", async () => {
  const { history } = historyOf(() => undefined);
  await using rig = createRig({ history });
  rig.event("the last", 5_000);
  const stream = await rig.open("topic=order.never.>&from=earliest");
  await waitFor("the client's cursor moves", () => stream.raw().includes(cursor(`first-epoch.3200.h3200`)));
});

test("a catch-up that finds something is never carried past anything", async () => {
  const { history } = historyOf((horizon) => horizon);
  await using rig = createRig({ history });
  rig.event("the last", 1_000);
  const stream = await rig.open("topic=order.created.1&from=earliest");
  await waitFor("everything is there", () => stream.events().length >= 1_000);
  expect(stream.events()).toEqual(Array.from({ length: 1_000 }, (_, index) => `${index + 1}`));
  expect(stream.raw()).not.toContain("event: cursor");
});

/** A log of events on `order.created.1`; `quietTo` answers where a search ends. */
function historyOf(quietTo: (horizon: Position) => Position | undefined): { history: History; reads: number[] } {
  const reads: number[] = [];
  const history: History = {
    ...NO_HISTORY,
    bounds: async () => ({ first: 1, last: 5_000, goneBy: "retention" }),
    after: async (seq) => {
      reads.push(seq);
      return Array.from({ length: SLICE }, (_, index) => eventOf(seq + 1 + index));
    },
    quietAfter: async (_seq, _patterns, horizon) => quietTo(horizon),
  };
  return { history, reads };
}

function eventOf(seq: number): EventEntry {
  return {
    kind: "event",
    position: { seq, tag: `h${seq}` },
    topic: "order.created.1",
    type: "order.created",
    payload: Buffer.from(`${seq}`),
    storedAt: 0,
    attributes: {},
    frames: undefined,
  };
}

function cursor(id: string): string {
  return `event: cursor\nid: ${id}\n`;
}
