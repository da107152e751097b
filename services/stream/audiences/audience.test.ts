import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Position } from "../event.ts";
import { type ContentCoding, identity } from "../sse/content-coding.ts";
import { Grant } from "../access/grant.ts";
import type { Work } from "../turns/share.ts";
import { eventOf } from "#test/rigs/edge-rig.ts";
import { Audience, type Member } from "./audience.ts";
import { LiveRoster } from "./live-roster.ts";

let now: number;
let horizon: Position;

beforeEach(() => {
  vi.useFakeTimers();
  now = 1_000;
  horizon = { seq: 0, tag: "0" };
});
afterEach(() => void vi.useRealTimers());

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

  test("rests as long as flushing took, up to 50 ms", () => {
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

    const slow = createAudience({ costMs: 80 });
    add(slow.audience, "1");
    add(slow.audience, "2");
    pass(49);
    expect(slow.member.flushes).toEqual([["1"]]);
    pass(1);
    expect(slow.member.flushes).toEqual([["1"], ["2"]]);
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
    const others = Array.from({ length: 3 }, () => new FakeMember());
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

  test("writes to a member that joins what came since, and to one that leaves what is pending for it", () => {
    const { audience, member } = createAudience();
    add(audience, "1");
    add(audience, "2");
    const [late, later] = [new FakeMember(), new FakeMember()];
    audience.join(late);
    add(audience, "3");
    audience.join(later);
    expect(audience.leave(late)).toEqual({ seq: 3, tag: "t3" });
    expect(late.flushes).toEqual([["3"]]);
    expect(member.flushes).toEqual([["1"]]);
    pass(5);
    expect(member.flushes).toEqual([["1"], ["2", "3"]]);
    expect(later.flushes).toEqual([]);
    add(audience, "4");
    pass(5);
    expect(later.flushes).toEqual([["4"]]);
  });

  test("lets everyone go on by himself from where he stands when an event is not decided", () => {
    const { audience, member } = createAudience();
    add(audience, "1");
    const idle = new FakeMember();
    audience.join(idle);
    audience.detachAll(horizon);
    expect(member.fellBehindAt).toEqual({ seq: 1, tag: "t1" });

    const other = createAudience();
    horizon = { seq: 0, tag: "0" };
    add(other.audience, "1");
    add(other.audience, "2");
    const late = new FakeMember();
    other.audience.join(late);
    other.audience.detachAll(horizon);
    expect(other.member.fellBehindAt).toEqual({ seq: 1, tag: "t1" });
    expect(late.fellBehindAt).toEqual({ seq: 2, tag: "t2" });
    expect(other.audience.size).toBe(0);
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

describe("a flush that is cut into steps", () => {
  test("writes to everyone once, whoever joins or leaves meanwhile, and each one's position is known", () => {
    const { audience, members, steps } = createLarge(120);
    add(audience, "1");
    expect(members.map(({ flushes }) => flushes.length).filter(Boolean)).toEqual([]);
    steps.doOne();
    const written = members.filter(({ flushes }) => flushes.length > 0);
    expect(written.length).toBeGreaterThan(0);
    expect(written.length).toBeLessThan(members.length);
    const [first, last] = [members[0] as FakeMember, members.at(-1) as FakeMember];
    expect([first, last].map((each) => audience.positionOf(each).seq)).toEqual([1, 0]);

    const joined = new FakeMember();
    audience.join(joined);
    expect(audience.leave(first)).toEqual({ seq: 1, tag: "t1" });
    expect(audience.leave(last)).toEqual({ seq: 1, tag: "t1" });
    expect(last.flushes).toEqual([["1"]]);
    audience.join(first);
    const refusing = members.at(-2) as FakeMember;
    refusing.refuses = true;
    expect(audience.leave(refusing)).toEqual({ seq: 0, tag: "0" });

    steps.doAll();
    add(audience, "2");
    steps.doAll();
    pass(100);
    steps.doAll();
    expect(joined.flushes).toEqual([["2"]]);
    const stayed = members.filter((each) => each !== last && each !== refusing);
    for (const each of stayed) expect(each.flushes.flat()).toEqual(["1", "2"]);
    expect(last.flushes).toEqual([["1"]]);
    expect(refusing.flushes).toEqual([]);
  });

  test("gives a member that leaves both the rest of it and what is pending behind it", () => {
    const { audience, members, steps } = createLarge(120);
    add(audience, "1");
    steps.doOne();
    add(audience, "2");
    const [first, last] = [members[0] as FakeMember, members.at(-1) as FakeMember];
    expect([first, last].map((each) => audience.positionOf(each).seq)).toEqual([1, 0]);
    expect([audience.leave(first), audience.leave(last)].map(({ seq }) => seq)).toEqual([2, 2]);
    expect([first, last].map(({ flushes }) => flushes)).toEqual([
      [["1"], ["2"]],
      [["1"], ["2"]],
    ]);
    audience.detachAll(horizon);
    expect(new Set(members.slice(1, -1).map(({ fellBehindAt }) => fellBehindAt?.seq))).toEqual(new Set([0, 1]));
  });

  test("says that all is written when the last step is done, and not before", () => {
    const { audience, steps } = createLarge(120);
    add(audience, "1");
    steps.doOne();
    expect(audience.flush()).toBe(false);
    steps.doAll();
    expect(audience.flush()).toBe(true);
  });
});

class FakeMember implements Member {
  readonly registration = { topics: [], liveTopics: [] };
  readonly flushes: string[][] = [];
  refuses = false;
  fellBehindAt: Position | undefined;
  costMs = 0;

  write(frames: Buffer): boolean {
    if (this.refuses) return false;
    now += this.costMs;
    this.flushes.push([...frames.toString().matchAll(/data: (.*)\n\n/g)].map(([, data]) => data ?? ""));
    return true;
  }

  detach(position: Position): void {
    this.fellBehindAt = position;
  }
}

/** An audience of many, whose steps the test does. */
function createLarge(count: number) {
  const works: Work[] = [];
  const { audience, member } = createAudience({ finish: (work) => void works.push(work) });
  const members = [member, ...Array.from({ length: count - 1 }, () => new FakeMember())];
  for (const each of members.slice(1)) audience.join(each);
  const doOne = (): void => void (works[0]?.() === false && works.shift());
  const doAll = (): void => {
    while (works.length > 0) doOne();
  };
  return { audience, members, steps: { doOne, doAll } };
}

/** Does all of it at once. */
const finishNow = (work: Work): void => {
  while (work());
};

function createAudience({ costMs = 0, coding = identity, finish = finishNow, leastFlushMs = 0 } = {}) {
  const format = { body: "raw", naming: "message", framing: "sse" } as const;
  const audience = new Audience(
    { topics: ["order.>"], grant: new Grant("g", []), format, coding },
    {
      horizon: () => horizon,
      now: () => now,
      checkClock: () => {},
      flushMs: 5,
      turns: { finish },
      leastFlushMs: () => leastFlushMs,
      live: new LiveRoster<Member>(),
      onFlushed: () => {},
    },
  );
  const member = new FakeMember();
  member.costMs = costMs;
  audience.join(member);
  return { audience, member };
}

/** Delivers the next event of the log, as the message way does: the horizon moves, then the audience gets it. */
function add(audience: Audience, text: string): void {
  const before = horizon;
  const seq = before.seq + 1;
  horizon = { seq, tag: `t${seq}` };
  audience.push(Buffer.from(`data: ${text}\n\n`), eventOf(horizon, text), before);
}

function pass(ms: number): void {
  now += ms;
  vi.advanceTimersByTime(ms);
}
