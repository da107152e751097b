import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Position } from "../event.ts";
import { type ContentCoding, identity } from "../sse/content-coding.ts";
import { Audience, type Member } from "./audience.ts";

let now: number;
let horizon: Position;

beforeEach(() => {
  vi.useFakeTimers();
  now = 1_000;
  horizon = { seq: 0, tag: "0" };
});
afterEach(() => {
  vi.useRealTimers();
});

describe("an audience", () => {
  test("writes the first event after quiet at once, and what follows within the interval together", () => {
    const { audience, member } = createAudience();
    add(audience, "1");
    expect(member.flushes).toEqual([["1"]]);
    add(audience, "2");
    add(audience, "3");
    expect(member.flushes).toEqual([["1"]]);
    pass(5);
    expect(member.flushes).toEqual([["1"], ["2", "3"]]);
    pass(100);
    add(audience, "4");
    expect(member.flushes).toEqual([["1"], ["2", "3"], ["4"]]);
  });

  test("lets no event wait that comes when twice the time of the last flush has passed", () => {
    const { audience, member } = createAudience({ costMs: 8 });
    for (const text of ["1", "2", "3"]) {
      add(audience, text);
      expect(member.flushes.at(-1)).toEqual([text]);
      pass(8);
    }
  });

  test("stretches the interval to twice of what flushing costs, up to 50 ms", () => {
    const { audience, member } = createAudience({ costMs: 8 });
    add(audience, "1");
    add(audience, "2");
    add(audience, "3");
    pass(8);
    expect(member.flushes).toEqual([["1"], ["2", "3"]]);
    add(audience, "4");
    pass(7);
    expect(member.flushes).toHaveLength(2);
    pass(1);
    expect(member.flushes.at(-1)).toEqual(["4"]);

    const slow = createAudience({ costMs: 45 });
    add(slow.audience, "1");
    add(slow.audience, "2");
    pass(4);
    expect(slow.member.flushes).toEqual([["1"]]);
    pass(1);
    expect(slow.member.flushes).toEqual([["1"], ["2"]]);
  });

  test("says when what is pending has been written", async () => {
    const { audience } = createAudience();
    add(audience, "1");
    expect(audience.flushed).toBeUndefined();
    add(audience, "2");
    const { flushed: nextFlush } = audience;
    pass(5);
    await expect(nextFlush).resolves.toBeUndefined();
    expect(audience.flushed).toBeUndefined();
  });

  test("encodes a flush once for all its members, however many there are", () => {
    const encoded: string[] = [];
    const coding: ContentCoding = {
      ...identity,
      encode(frames) {
        encoded.push(frames.toString());
        return frames;
      },
    };
    const { audience, member } = createAudience({ coding });
    const others = Array.from({ length: 3 }, () => new FakeMember(0));
    for (const other of others) audience.join(other);
    add(audience, "1");
    expect(encoded).toHaveLength(1);
    for (const each of [member, ...others]) expect(each.flushes).toEqual([["1"]]);
  });

  test("waits longer with a burst where the load of the edge asks for it, and not with the first event after quiet", () => {
    const { audience, member } = createAudience({ leastFlushMs: 100 });
    add(audience, "1");
    expect(member.flushes).toEqual([["1"]]);
    add(audience, "2");
    pass(99);
    expect(member.flushes).toEqual([["1"]]);
    pass(1);
    expect(member.flushes).toEqual([["1"], ["2"]]);
    pass(100);
    add(audience, "3");
    expect(member.flushes).toEqual([["1"], ["2"], ["3"]]);
  });

  test("does not wait with more than 64 KB", () => {
    const { audience, member } = createAudience();
    add(audience, "1");
    const large = "x".repeat(40_000);
    add(audience, large);
    expect(member.flushes).toHaveLength(1);
    add(audience, large);
    expect(member.flushes).toHaveLength(2);
  });

  test("writes what is pending before a member joins, or everyone goes, and to a member that leaves", () => {
    const { audience, member } = createAudience();
    add(audience, "1");
    add(audience, "2");
    const late = new FakeMember();
    audience.join(late);
    expect(member.flushes).toEqual([["1"], ["2"]]);
    add(audience, "3");
    expect(audience.leave(late)).toEqual({ seq: 3, tag: "t3" });
    expect(late.flushes).toEqual([["3"]]);
    expect(member.flushes).toEqual([["1"], ["2"]]);
    add(audience, "4");
    audience.detachAll(horizon);
    expect(member.flushes.flat()).toEqual(["1", "2", "3", "4"]);
    expect(member.fellBehindAt).toEqual({ seq: 4, tag: "t4" });
    expect(audience.size).toBe(0);
  });

  test("says of a member that leaves and takes nothing where it stood before", () => {
    const { audience, member } = createAudience();
    add(audience, "1");
    add(audience, "2");
    member.refuses = true;
    expect(audience.leave(member)).toEqual({ seq: 1, tag: "t1" });
  });

  test("lets a member go that takes nothing, where it stood before the flush, and serves the others", () => {
    const { audience, member } = createAudience();
    const slow = new FakeMember();
    audience.join(slow);
    add(audience, "1");
    slow.refuses = true;
    add(audience, "2");
    add(audience, "3");
    pass(5);
    expect(slow.fellBehindAt).toEqual({ seq: 1, tag: "t1" });
    expect(member.flushes.flat()).toEqual(["1", "2", "3"]);
    expect(audience.size).toBe(1);
  });
});

class FakeMember implements Member {
  readonly flushes: string[][] = [];
  refuses = false;
  fellBehindAt: Position | undefined;
  readonly #costMs: number;

  constructor(costMs = 0) {
    this.#costMs = costMs;
  }

  write(frames: Buffer): boolean {
    if (this.refuses) return false;
    now += this.#costMs;
    this.flushes.push([...frames.toString().matchAll(/data: (.*)\n\n/g)].map(([, data]) => data ?? ""));
    return true;
  }

  detach(position: Position): void {
    this.fellBehindAt = position;
  }
}

function createAudience({ costMs = 0, coding = identity, leastFlushMs = 0 } = {}) {
  const grant = { id: "g", roles: new Set<string>(), residuals: new Map() };
  const format = { body: "raw", naming: "message" } as const;
  const audience = new Audience(
    { topics: ["order.>"], grant, format, coding },
    {
      horizon: () => horizon,
      now: () => now,
      checkClock: () => {},
      flushMs: 5,
      leastFlushMs: () => leastFlushMs,
    },
  );
  const member = new FakeMember(costMs);
  audience.join(member);
  return { audience, member };
}

/** Delivers the next event of the log, as the message way does: the horizon moves, then the audience gets it. */
function add(audience: Audience, text: string): void {
  const before = horizon;
  const seq = before.seq + 1;
  horizon = { seq, tag: `t${seq}` };
  audience.push(Buffer.from(`data: ${text}\n\n`), before);
}

function pass(ms: number): void {
  now += ms;
  vi.advanceTimersByTime(ms);
}
