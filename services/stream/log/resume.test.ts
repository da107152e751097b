import { describe, expect, test } from "vitest";
import type { Position } from "../event.ts";
import { findStart, type From, gapBefore, hasHorizon, type LogView } from "./resume.ts";

const EPOCH = "epoch123";
const NOW: From = { at: "now" };

/** A log whose messages 1 to 100 are stored, of which the leader keeps those from `first` and memory those from `tail`. */
function logWith(change: Partial<{ first: number; tail: number; horizon: number; last: number }> = {}): LogView {
  const { first, tail, horizon, last } = { first: 1, tail: 90, horizon: 100, last: 100, ...change };
  return {
    epoch: EPOCH,
    horizon: horizon === 0 ? { seq: 0, tag: "0" } : at(horizon),
    tagInTail: (seq) => (seq >= tail && seq <= horizon ? tagOf(seq) : undefined),
    isInTail: (seq) => seq >= tail && seq <= horizon,
    history: {
      bounds: () => Promise.resolve({ first, last, goneBy: "retention" as const }),
      tagOf: (seq) => Promise.resolve(seq >= first && seq <= last && seq > 0 ? tagOf(seq) : undefined),
      positionBefore: (wallMs) => Promise.resolve({ seq: wallMs / 1_000, tag: "0" }),
    },
  };
}

const ASKED_NOTHING: LogView["history"] = {
  bounds: () => Promise.reject(new Error("asked")),
  tagOf: () => Promise.reject(new Error("asked")),
  positionBefore: () => Promise.reject(new Error("asked")),
};

function tagOf(seq: number): string {
  return `t${seq}`;
}

function at(seq: number, tag = tagOf(seq)): Position {
  return { seq, tag };
}

function idOf(seq: number, tag = tagOf(seq), epoch = EPOCH): string {
  return `${epoch}.${seq}.${tag}`;
}

function reset(reason: string) {
  return { event: "reset", data: { reason } };
}

describe("a client without an id", () => {
  test("begins now: after all that this edge has read", async () => {
    expect(await findStart(logWith(), undefined, NOW)).toEqual({ position: at(100), notice: undefined });
  });

  test("begins before the first entry that is kept, when it asks for the earliest", async () => {
    const start = await findStart(logWith({ first: 41 }), undefined, { at: "earliest" });
    expect(start).toEqual({ position: at(40, "0"), notice: undefined });
  });

  test("begins at sequence 0 of a log that was never written to", async () => {
    const empty = logWith({ first: 0, horizon: 0, last: 0, tail: 1 });
    expect(await findStart(empty, undefined, { at: "earliest" })).toEqual({ position: at(0, "0"), notice: undefined });
  });

  test("begins before the first entry of a time", async () => {
    const start = await findStart(logWith(), undefined, { at: "time", wallMs: 7_000 });
    expect(start).toEqual({ position: at(7, "0"), notice: undefined });
  });
});

describe("a client with an id of this log", () => {
  test.each([
    ["the horizon", idOf(100), at(100)],
    ["an entry in memory", idOf(95), at(95)],
    ["the entry before those in memory", idOf(89), at(89)],
    ["an entry that only the leader has", idOf(50), at(50)],
    ["sequence 0, where all is kept", idOf(0, "0"), at(0, "0")],
    ["a place where no message stands, told with tag 0", idOf(50, "0"), at(50, "0")],
    ["a place in memory told with tag 0", idOf(95, "0"), at(95, "0")],
  ])("goes on exactly after %s", async (_, id, position) => {
    expect(await findStart(logWith(), id, NOW)).toEqual({ position, notice: undefined });
  });

  test("goes on after an entry that another edge has read and this one has not", async () => {
    const behind = logWith({ horizon: 98, tail: 90 });
    expect(await findStart(behind, idOf(100), NOW)).toEqual({ position: at(100), notice: undefined });
  });

  test("goes on where only its own entry is gone: nothing after it is missing", async () => {
    expect(await findStart(logWith({ first: 51 }), idOf(50), NOW)).toEqual({ position: at(50), notice: undefined });
  });

  test("is asked of nobody while memory has what follows", async () => {
    const log: LogView = { ...logWith(), history: ASKED_NOTHING };
    expect(await findStart(log, idOf(95), NOW)).toEqual({ position: at(95), notice: undefined });
    expect(await findStart(log, idOf(100), NOW)).toEqual({ position: at(100), notice: undefined });
  });

  test("of sequence 0 is never asked for a message: none stands there", async () => {
    const there = logWith();
    const log: LogView = {
      ...there,
      history: { ...there.history, tagOf: () => Promise.reject(new Error("asked")) },
    };
    expect(await findStart(log, idOf(0, "other"), NOW)).toMatchObject({ notice: undefined });
  });

  test("is told the gap where entries after its own are gone", async () => {
    expect(await findStart(logWith({ first: 52 }), idOf(50), NOW)).toEqual({
      position: at(51, "0"),
      notice: { event: "gap", data: { from: idOf(50), to: idOf(51, "0"), reason: "retention" } },
    });
  });

  test("is told the gap from sequence 0, too", async () => {
    const { position, notice } = await findStart(logWith({ first: 2 }), idOf(0, "0"), NOW);
    expect(position).toEqual(at(1, "0"));
    expect(notice?.data).toEqual({ from: idOf(0, "0"), to: idOf(1, "0"), reason: "retention" });
  });

  test("is told the gap whatever `from` says: its id still means something", async () => {
    const start = await findStart(logWith({ first: 60, tail: 90 }), idOf(50), { at: "earliest" });
    expect(start.notice?.event).toBe("gap");
    expect(start.position).toEqual(at(59, "0"));
  });
});

describe("a client with an id that means nothing here", () => {
  test.each([
    ["of another log", idOf(50, tagOf(50), "another1"), "epoch"],
    ["of sequence 0 of another log", idOf(0, "0", "another1"), "epoch"],
    ["beyond the end", idOf(101), "tail_lost"],
    ["far beyond the end, with tag 0", idOf(5_000, "0"), "tail_lost"],
    ["of the horizon's number and another message", idOf(100, "other"), "tail_lost"],
    ["of a number in memory and another message", idOf(95, "other"), "tail_lost"],
    ["of a number at the leader and another message", idOf(50, "other"), "tail_lost"],
    ["that nobody ever gave out", "; DROP TABLE", "unknown_id"],
    ["that is empty", "", "unknown_id"],
  ])("%s is told so, and begins now", async (_, id, reason) => {
    expect(await findStart(logWith(), id, NOW)).toEqual({ position: at(100), notice: reset(reason) });
  });

  test("begins where `from` says", async () => {
    const id = idOf(101);
    const earliest = await findStart(logWith({ first: 41 }), id, { at: "earliest" });
    expect(earliest).toEqual({ position: at(40, "0"), notice: reset("tail_lost") });
    const time = await findStart(logWith(), id, { at: "time", wallMs: 7_000 });
    expect(time).toEqual({ position: at(7, "0"), notice: reset("tail_lost") });
  });
});

test("a gap reaches to the entry before the first one that is kept", () => {
  expect(gapBefore(EPOCH, at(3), { first: 10, goneBy: "retention" })).toEqual({
    position: at(9, "0"),
    notice: { event: "gap", data: { from: idOf(3), to: idOf(9, "0"), reason: "retention" } },
  });
});

describe("a client with an id of before a promotion", () => {
  const promoted = (): LogView => ({ ...logWith(), mirroredUpTo: 80 });
  const notice = reset("epoch");

  test("goes on behind its id where its very message stands here, and is told that the epoch is another", async () => {
    const start = await findStart(promoted(), idOf(70, tagOf(70), "before12"), NOW);
    expect(start).toEqual({ position: at(70), notice });
  });

  test("goes on behind the last entry that both logs have where it has had more", async () => {
    const start = await findStart(promoted(), idOf(95, "lost", "before12"), NOW);
    expect(start).toEqual({ position: at(80), notice });
  });

  test("begins as without an id where another message stands here, and in a log that was made anew", async () => {
    expect(await findStart(promoted(), idOf(70, "other", "before12"), NOW)).toEqual({ position: at(100), notice });
    expect(await findStart(logWith(), idOf(70, tagOf(70), "before12"), NOW)).toEqual({ position: at(100), notice });
  });
});

describe("a client that is ahead of a mirror", () => {
  test("goes on behind its id once the mirror comes to have it; what never comes is lost", async () => {
    const ahead = (comes: boolean): LogView => ({ ...logWith(), comesTo: async () => comes });
    expect((await findStart(ahead(true), idOf(120, "0"), NOW)).position).toEqual(at(120, "0"));
    expect((await findStart(ahead(false), idOf(120), NOW)).notice).toEqual(reset("tail_lost"));
  });
});

describe("what an edge has read", () => {
  test.each([
    ["is in the log that it was read from", logWith(), true],
    ["is in an empty log where it is nothing", logWith({ first: 0, horizon: 0, last: 0 }), true],
    ["was in a log that has dropped it since", logWith({ first: 101 }), true],
    ["is not in a log that came back shorter", logWith({ last: 99 }), false],
    ["is not in a log that came back shorter and has dropped all", logWith({ first: 100, last: 99 }), false],
  ])("%s", async (_, log, expected) => {
    expect(await hasHorizon(log)).toBe(expected);
  });

  test("is not in a log where another message stands", async () => {
    expect(await hasHorizon({ ...logWith(), horizon: at(100, "another") })).toBe(false);
  });
});
