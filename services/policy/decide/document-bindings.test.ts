import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDocument } from "../document/parse-document.ts";
import { runNow } from "../work/turns.ts";
import { boundAt, boundSince, NONE_ENDED, tableOfBindings } from "./document-bindings.ts";

const DAY = 86_400_000;

function tableOf(bindings: object[]) {
  const roles = { a: {}, b: {} };
  const { document, faults } = parseDocument(JSON.stringify({ tenant: "acme", roles, bindings }), "acme");
  if (document === undefined) throw new Error(JSON.stringify(faults));
  return tableOfBindings(document);
}

const binding = fc
  .record({
    role: fc.constantFrom("a", "b"),
    subjects: fc.array(fc.constantFrom("s", "t", "group:g"), { maxLength: 3 }),
    day: fc.option(fc.integer({ min: 0, max: 5 })),
  })
  .map(({ day, ...rest }) => (day === null ? rest : { ...rest, until: new Date(day * DAY).toISOString() }));

describe("the bindings of a document", () => {
  it("at a later time are the same whether they are looked at then or followed until then", () => {
    fc.assert(
      fc.property(fc.array(binding, { maxLength: 8 }), fc.nat(6), fc.nat(6), (bindings, one, other) => {
        const [from, to] = [Math.min(one, other) * DAY, Math.max(one, other) * DAY];
        const table = tableOf(bindings);
        const before = runNow(boundAt(table, from));
        const then = runNow(boundAt(table, to));
        const { ended, ...followed } = runNow(boundSince(before, to));
        expect(followed).toEqual(then);
        const lost = [...before.documentBindings].filter(
          ([name, roles]) => (then.documentBindings.get(name)?.length ?? 0) < roles.length,
        );
        expect(ended.some).toEqual(lost.map(([name]) => name));
        const count = (bound: typeof before) => [...bound.documentBindings.values()].flat().length;
        expect(ended.count).toBe(count(before) - count(then));
      }),
    );
  });

  it("keep their lists where nothing of these has ended, and are the same map where nothing has at all", () => {
    const table = tableOf([
      { role: "a", subjects: ["s", "t"] },
      { role: "b", subjects: ["t"], until: new Date(DAY).toISOString() },
    ]);
    const first = runNow(boundAt(table, 0));
    const unchanged = runNow(boundSince(first, DAY - 1));
    expect(unchanged.documentBindings).toBe(first.documentBindings);
    expect(unchanged.ended).toBe(NONE_ENDED);
    const { documentBindings, bindingsEnd, ended } = runNow(boundSince(first, DAY));
    expect(documentBindings.get("s")).toBe(first.documentBindings.get("s"));
    expect(documentBindings.get("t")).toEqual([{ role: "a", until: Infinity }]);
    expect([bindingsEnd, ended]).toEqual([Infinity, { some: ["t"], count: 1 }]);
  });

  it("share one list among all who have the same roles, and are followed in steps", () => {
    const subjects = Array.from({ length: 10_000 }, (_, index) => `s${index}`);
    const table = tableOf([{ role: "a", subjects }]);
    expect(table.lists).toHaveLength(1);
    const steps = boundAt(table, 0);
    let count = 1;
    while (steps.next().done !== true) count += 1;
    expect(count).toBeGreaterThan(9);
  });
});
