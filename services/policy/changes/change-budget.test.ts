import { describe, expect, it } from "vitest";
import { type ChangeBudget, createChangeBudget } from "./change-budget.ts";

describe("the changes of a tenant", () => {
  let now = 0;
  let refused = 0;
  const open = (perSecond: number, burst: number): ChangeBudget => {
    refused = 0;
    return createChangeBudget(
      { perSecond, burst },
      () => now,
      () => (refused += 1),
    );
  };
  const takeAll = (budget: ChangeBudget, tenant: string): number => {
    for (let taken = 0; ; taken += 1) {
      try {
        budget.take(tenant);
      } catch {
        return taken;
      }
    }
  };

  it("are as many at once as the burst, then as many a second as the rate", () => {
    const budget = open(5, 50);
    expect(takeAll(budget, "a")).toBe(50);
    now += 199;
    expect(takeAll(budget, "a")).toBe(0);
    now += 1;
    expect(takeAll(budget, "a")).toBe(1);
    now += 3_600_000;
    expect(takeAll(budget, "a")).toBe(50);
    expect(refused).toBe(4);
  });

  it("are refused with the seconds until there is room", () => {
    const budget = open(1, 1);
    budget.take("a");
    expect(() => budget.take("a")).toThrow(expect.objectContaining({ code: "too_many_changes", retryAfterSeconds: 1 }));
  });

  it("are another tenant's business no more than its own refusals are", () => {
    const budget = open(1, 2);
    expect([takeAll(budget, "a"), takeAll(budget, "b"), takeAll(budget, "a")]).toEqual([2, 2, 0]);
  });

  it("may be asked for without being counted", () => {
    const budget = open(1, 1);
    for (let time = 0; time < 3; time += 1) budget.require("a");
    budget.take("a");
    expect(() => budget.require("a")).toThrow(expect.objectContaining({ code: "too_many_changes" }));
  });

  it("have a rate of the tenant's own where it has one, and are none at 0", () => {
    const budget = open(1, 1);
    for (let taken = 0; taken < 7; taken += 1) budget.take("a", 7);
    expect(() => budget.take("a", 7)).toThrow("7 changes a second");
    expect(() => budget.take("b", 0)).toThrow(expect.objectContaining({ retryAfterSeconds: 3_600 }));
  });
});
