import { expect, test } from "vitest";
import type { Stream } from "../hub.ts";
import { findStreams, type StreamsAsked } from "./find-streams.ts";

test("pages go through all streams in the order of their ids, each once", async () => {
  const hub = hubOf(...shuffled(2_345));
  const seen: string[] = [];
  for (let [after, hasMore] = ["", true]; hasMore;) {
    const page = await findStreams(hub, asking({ after, limit: 100 }));
    seen.push(...page.streams.map(idOf));
    [after, hasMore] = [seen.at(-1) ?? "", page.hasMore];
  }
  expect(seen).toEqual(shuffled(2_345).toSorted());
});

test("a page that holds exactly the last streams is the last one; with one more there is another", async () => {
  expect((await findStreams(hubOf("a", "b", "c"), asking({ limit: 3 }))).hasMore).toBe(false);
  const { streams, hasMore } = await findStreams(hubOf("a", "b", "c", "d"), asking({ limit: 3 }));
  expect([streams.map(idOf), hasMore]).toEqual([["a", "b", "c"], true]);
});

test("a tenant's, a person's or one stream alone is found, and none that has ended", async () => {
  const streams = [
    streamOf("1", { tenant: "acme", subject: "ann" }),
    streamOf("2", { tenant: "acme", subject: "bob" }),
    streamOf("3", { tenant: "other", subject: "ann" }),
    streamOf("4", { tenant: "acme", subject: "ann", ended: true }),
  ];
  const find = async (asked: Partial<StreamsAsked>) =>
    (await findStreams({ streams: () => streams }, asking(asked))).streams.map(idOf);
  expect(await find({ tenant: "acme" })).toEqual(["1", "2"]);
  expect(await find({ subject: "ann" })).toEqual(["1", "3"]);
  expect(await find({ tenant: "acme", subject: "ann" })).toEqual(["1"]);
  expect(await find({ connectionId: "2" })).toEqual(["2"]);
  expect(await find({ connectionId: "4" })).toEqual([]);
});

test("thousands of streams leave turns for everything else", async () => {
  const hub = hubOf(...shuffled(10_000));
  let turns = 0;
  const count = (): void => {
    turns += 1;
    immediate = setImmediate(count);
  };
  let immediate = setImmediate(count);
  await findStreams(hub, asking({ limit: 500 }));
  clearImmediate(immediate);
  expect(turns).toBeGreaterThanOrEqual(9);
});

function asking(change: Partial<StreamsAsked>): StreamsAsked {
  return { ask: "connections", after: "", limit: 500, ...change };
}

function hubOf(...ids: string[]) {
  return { streams: () => ids.map((id) => streamOf(id)) };
}

function streamOf(connectionId: string, { tenant = "acme", subject = "ann", ended = false } = {}): Stream {
  const registration = { identity: { subject: { id: subject } } };
  return { tenant: { id: tenant }, reader: { ids: { connectionId }, registration, ended } } as unknown as Stream;
}

/** Ids in an order that is not theirs. */
function shuffled(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `w-${String((index * 7_919) % count).padStart(6, "0")}`);
}

function idOf({ reader }: Stream): string {
  return reader.ids.connectionId;
}
