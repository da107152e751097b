import { describe, expect, test } from "vitest";
import { type ComparedStream, lacksEntries } from "./lacks-entries.ts";

const HOUR_NS = 3_600_000_000_000;

describe("of the beginning", () => {
  test("a mirror without entries that its original has lacks them", () => {
    expect(lacksEntries(stream({ first: 1 }), stream({ first: 11, messages: 0 }))).toBe(true);
    expect(lacksEntries(stream({ first: 1, maxAge: HOUR_NS }), stream({ first: 11, messages: 0 }))).toBe(true);
  });

  test("a mirror that has more, or from which old entries have gone a little earlier, lacks nothing", () => {
    expect(lacksEntries(stream({ first: 5 }), stream({ first: 1 }))).toBe(false);
    const old = stream({ first: 1, firstAt: "2026-01-01T11:00:30Z", maxAge: HOUR_NS });
    expect(lacksEntries(old, stream({ first: 2 }))).toBe(false);
    expect(lacksEntries(stream({ first: 11, messages: 0 }), stream({ first: 12, messages: 0 }))).toBe(false);
  });
});

describe("of the middle", () => {
  test.each([
    ["has all", stream({}), stream({}), false],
    ["is behind", stream({ last: 30 }), stream({ last: 10 }), false],
    ["is behind, and lacks one", stream({ last: 30 }), stream({ last: 10, messages: 9 }), true],
    ["lacks one", stream({}), stream({ messages: 9 }), true],
    ["has what its original has not any more", stream({ messages: 8 }), stream({ messages: 9 }), false],
    ["has one of those in place of one that it lacks", stream({ messages: 9 }), stream({ messages: 9 }), false],
    ["does so, by the lists", stream({ deleted: [3] }), stream({ deleted: [7] }), true],
    ["has all, by the lists", stream({ deleted: [3, 7] }), stream({ deleted: [7] }), false],
    ["lacks only what is before its original's first", stream({ first: 5 }), stream({ deleted: [3] }), false],
  ])("a mirror that %s", (_, original, mirror, isLacking) => {
    expect(lacksEntries(original, mirror)).toBe(isLacking);
  });

  test("of the connection log nothing is said", () => {
    expect(lacksEntries(stream({ name: "CONNECTIONS" }), stream({ name: "CONNECTIONS", messages: 1 }))).toBe(false);
  });
});

interface Described {
  readonly name?: string;
  readonly first?: number;
  readonly last?: number;
  readonly deleted?: number[];
  readonly messages?: number;
  readonly firstAt?: string;
  readonly maxAge?: number;
}

function stream({ name = "EVENTS_acme", first = 1, last = 10, deleted, messages, ...rest }: Described): ComparedStream {
  const { firstAt = "2026-01-01T11:30:00Z", maxAge = 0 } = rest;
  const kept = messages ?? last - first + 1 - (deleted?.length ?? 0);
  return {
    config: { name, max_age: maxAge },
    state: { messages: kept, first_seq: first, first_ts: firstAt, last_seq: last, ...(deleted && { deleted }) },
    ts: "2026-01-01T12:00:00Z",
  };
}
