import { expect, test } from "vitest";
import { endSessions } from "./end-sessions.ts";
import type { SessionRecord } from "./session.ts";

const LOOK = 1_000;

/** An index with sessions of two devices in turn. */
function indexOf(count: number) {
  const live = Array.from({ length: count }, (_, place) => ({ sid: `S${place}`, device: place % 2 === 0 ? "a" : "b" }));
  return {
    live,
    ofSubject: async (_tenant: string, _subject: string, from = 0) =>
      live.slice(from, from + LOOK) as unknown as SessionRecord[],
    end: async ({ sid }: { readonly sid: string }) => {
      live.splice(
        live.findIndex((session) => session.sid === sid),
        1,
      );
    },
  };
}

const OF_ANN = { tenant: "acme", subject: "ann" };

test("all sessions of a subject end, also those that one look does not show", async () => {
  const index = indexOf(2 * LOOK + 1);
  await endSessions(index, OF_ANN, index.end);
  expect(index.live).toEqual([]);
});

test("those that are meant end, also behind a look full of others, and no other one does", async () => {
  const index = indexOf(4 * LOOK);
  // The youngest fill two looks, and none of them is meant.
  index.live.sort((one, other) => other.device.localeCompare(one.device));
  await endSessions(index, { ...OF_ANN, isMeant: ({ device }) => device === "a" }, index.end);
  expect(new Set(index.live.map(({ device }) => device))).toEqual(new Set(["b"]));
  expect(index.live).toHaveLength(2 * LOOK);
});

test("one that the index goes on to show is ended once, and passed over then", async () => {
  const index = indexOf(LOOK + 1);
  const ended: string[] = [];
  await endSessions(index, OF_ANN, async ({ sid }) => void ended.push(sid));
  expect(new Set(ended)).toEqual(new Set(index.live.map(({ sid }) => sid)));
  expect(ended).toHaveLength(LOOK + 1);
});
