import { expect, test } from "vitest";
import type { Reach } from "#shared/contract/edge-questions.ts";
import type { Edges } from "../edges/edges.ts";
import { askReach } from "./ask-reach.ts";

const LOG = { tenant: "acme", epoch: "e" };
const NOW = 1_000_000;
const EVENT = { id: "e.7.x", seq: 7, storedAt: NOW - 1_000 };

/** Workers of which each says this of the event, or does not remember it. */
function edgesThatSay(told: readonly (Partial<Reach> | undefined)[], partial = false): Edges {
  const answers = told.map((each, place) => ({
    from: `w${place}`,
    reach: each === undefined ? [] : [{ ...NOTHING, ...each }],
  }));
  return { ask: async () => ({ answers, partial }) as never };
}

const NOTHING = { seq: 7, reached: 0, denied: 0, behind: 0, connected: 0, isWithoutRule: false };

test("an event reached as many as it reached at all workers together", async () => {
  const edges = edgesThatSay([{ reached: 1, connected: 3, denied: 2 }, undefined, { reached: 4, connected: 4 }]);
  expect(await askReach(edges, LOG, [EVENT], NOW)).toEqual([
    { id: EVENT.id, reached: 5, connected: 7, denied: 2, behind: 0, reason: null, partial: false },
  ]);
});

test.each<[string, readonly (Partial<Reach> | undefined)[]]>([
  ["no_rule", [{ isWithoutRule: true, connected: 2 }, { connected: 1 }]],
  ["nobody_connected", []],
  ["nobody_connected", [undefined, {}]],
  ["behind", [{ connected: 2, denied: 1, behind: 1 }]],
  ["denied", [{ connected: 2, denied: 1 }]],
  ["no_topic", [{ connected: 2 }]],
])("an event that reached nobody did so for a reason: %s (%#)", async (reason, told) => {
  expect(await askReach(edgesThatSay(told), LOG, [EVENT], NOW)).toMatchObject([{ reason, partial: false }]);
});

test("what no worker remembers of an old event is unknown, and no reason", async () => {
  const old = { ...EVENT, storedAt: NOW - 10_001 };
  expect(await askReach(edgesThatSay([undefined]), LOG, [old], NOW)).toMatchObject([{ reason: null, partial: true }]);
  const young = { ...EVENT, storedAt: NOW - 10_000 };
  expect(await askReach(edgesThatSay([undefined]), LOG, [young], NOW)).toMatchObject([{ reason: "nobody_connected" }]);
});

test("where a worker is missing, that is said", async () => {
  expect(await askReach(edgesThatSay([{ reached: 1 }], true), LOG, [EVENT], NOW)).toMatchObject([{ partial: true }]);
});
