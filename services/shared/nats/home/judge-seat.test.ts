import { describe, expect, test } from "vitest";
import type { Holding } from "./read-holding.ts";
import { judgeEnd, judgeSeat, type OtherHolding } from "./judge-seat.ts";

const NOTHING: Holding = { holds: "nothing" };
const MIRROR_OF_US: Holding = { holds: "mirror", of: "us", term: 1 };
const MIRROR_OF_EU: Holding = { holds: "mirror", of: "eu", term: 1 };
const originals = (term = 1): Holding => ({ holds: "originals", term });
const fenced = (term = 1): Holding => ({ holds: "fenced", term });

describe("a process that starts", () => {
  test.each<[here: Holding, there: OtherHolding]>([
    [originals(), MIRROR_OF_EU],
    [originals(), NOTHING],
    [originals(2), originals(1)],
    [originals(2), fenced(1)],
    [NOTHING, NOTHING],
    [{ holds: "originals", term: 2, lost: "us" }, "silent"],
  ])("serves a home of which its region has %o, and the other %o", (here, there) => {
    expect(judge(here, there)).toEqual({ isHere: true });
  });

  test.each<[here: Holding, there: OtherHolding, reason: string]>([
    [MIRROR_OF_US, originals(), "this home is written in region us"],
    [MIRROR_OF_US, "silent", "this home is written in region us"],
    [originals(1), originals(2), "this home is written in region us"],
    [fenced(1), originals(2), "this home is written in region us"],
    [fenced(1), MIRROR_OF_EU, "this home is fenced in region eu: another region is to take it over"],
    [fenced(1), "silent", "this home is fenced in region eu: another region is to take it over"],
    [NOTHING, originals(2), "this home is written in region us"],
  ])("waits where its region has %o, and the other %o", (here, there, reason) => {
    expect(judge(here, there)).toMatchObject({ isHere: false, reason });
  });

  test("waits while the other region cannot say whether it has taken over, and says how to go on without it", () => {
    for (const here of [originals(), NOTHING]) {
      expect(judge(here, "silent")).toMatchObject({ reason: expect.stringContaining("set SLUICE_HOME_REGIONS=eu") });
    }
  });

  test("makes no home anew of which the other region has a copy", () => {
    for (const copy of [MIRROR_OF_EU, fenced()]) {
      expect(judge(NOTHING, copy)).toMatchObject({ reason: expect.stringContaining("sluice region promote") });
    }
  });

  test("serves nothing where both regions claim the home with the same term", () => {
    expect(judge(originals(), originals())).toMatchObject({ reason: expect.stringContaining("fence one of them") });
  });

  test("makes no home in the region that is named second", () => {
    const seat = judgeSeat(NOTHING, NOTHING, { here: "us", other: "eu", makesHome: false });
    expect(seat).toMatchObject({ isHere: false, reason: "this home is written in region eu" });
  });
});

describe("a process that serves", () => {
  test("ends when its region has been fenced, mirrors another, or has been superseded", () => {
    expect(judgeEnd(fenced(), "silent")).toBe("the home is fenced here");
    expect(judgeEnd(MIRROR_OF_US, "silent")).toBe("the home is written in region us");
    expect(judgeEnd(originals(1), originals(2))).toBe("the other region has taken the home over");
  });

  test("goes on while the link is cut, and over an original of an earlier term", () => {
    for (const there of ["silent", MIRROR_OF_EU, originals(1), fenced(3)] as const) {
      expect(judgeEnd(originals(2), there)).toBeUndefined();
    }
  });
});

function judge(here: Holding, there: OtherHolding) {
  return judgeSeat(here, there, { here: "eu", other: "us", makesHome: true });
}
