import { describe, expect, test } from "vitest";
import { Pools, poolsSchema } from "./pools.ts";

const seeker = { tier: "default", isFirst: true, ofTenant: 1 };

/** Takes places of a tier as long as there are any. */
function fill(pools: Pools, change: Partial<typeof seeker> = {}): number {
  const asking = { ...seeker, ...change };
  let taken = 0;
  while (pools.hasPlace(asking)) {
    pools.take(asking.tier);
    taken += 1;
  }
  return taken;
}

describe("pools", () => {
  test("that are full cost another tier none of its own places, and what is open to all goes to whoever comes", () => {
    const pools = new Pools(100, new Map([["premium", 20]]));
    expect(fill(pools)).toBe(80);
    expect(fill(pools, { tier: "premium" })).toBe(20);
    pools.give("default");
    expect(fill(pools, { tier: "premium" })).toBe(1);
    expect(pools.taken).toBe(100);
    expect([...pools.usage()]).toEqual([
      { pool: "premium", places: 20, taken: 20 },
      { pool: "shared", places: 80, taken: 80 },
    ]);
  });

  test("give a place back where it was taken", () => {
    const pools = new Pools(10, new Map([["premium", 50]]));
    for (let index = 0; index < 6; index += 1) pools.take("premium");
    pools.give("premium");
    expect([...pools.usage()].map(({ taken }) => taken)).toEqual([5, 0]);
    for (let index = 0; index < 5; index += 1) pools.give("premium");
    expect([...pools.usage()].map(({ taken }) => taken)).toEqual([0, 0]);
    expect(fill(pools)).toBe(5);
  });

  test("keep the last twentieth for people who come back or have no stream", () => {
    const pools = new Pools(100, new Map());
    expect(fill(pools, { isFirst: false })).toBe(95);
    expect(pools.isScarce).toBe(true);
    expect(fill(pools)).toBe(5);
  });

  test("keep half of that for tenants that do not have most of the places", () => {
    const pools = new Pools(200, new Map());
    fill(pools, { isFirst: false });
    expect(fill(pools, { ofTenant: 101 })).toBe(5);
    expect(fill(pools, { ofTenant: 100 })).toBe(5);
  });

  test("of a few places keep none", () => {
    expect(fill(new Pools(2, new Map([["premium", 10]])), { isFirst: false, ofTenant: 2 })).toBe(2);
  });
});

describe("the setting of pools", () => {
  test("names tiers and their percentages; without it premium has a tenth", () => {
    expect(poolsSchema.parse("premium=20, basic=80")).toEqual(
      new Map([
        ["premium", 20],
        ["basic", 80],
      ]),
    );
    expect(poolsSchema.parse("none")).toEqual(new Map());
    expect(poolsSchema.parse(undefined)).toEqual(new Map([["premium", 10]]));
  });

  test.each(["premium", "premium=0", "premium=101", "a=60,b=41", "a=10,a=10", "=5", "a b=5", "a=1.5", "a=10=5"])(
    "is refused: %s",
    (text) => expect(poolsSchema.safeParse(text).success).toBe(false),
  );
});
