import { describe, expect, it } from "vitest";
import { overBudget } from "./text-budget.ts";

/** What a text may have here: with all that a document may have the tests take ten seconds. */
const MOST = 1_000;

const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
const indented = (depth: number): string =>
  Array.from({ length: depth }, (_, level) => `${" ".repeat(level)}a:`).join("\n");
const list = (values: number): string => `[${Array.from({ length: values }, () => "x").join(", ")}]`;

describe("the budget of a text", () => {
  it("counts lists, keys and values, up to the most there may be", () => {
    expect(overBudget(list(MOST - 1), MOST)).toBeUndefined();
    expect(overBudget(list(MOST), MOST)?.message).toMatch("may have 1000 keys and values in all");
    expect(overBudget(list(150_000))?.message).toMatch("may have 150000 keys and values in all");
  });

  it.each([
    ["plain keys", (count: number) => Array.from({ length: count }, (_, key) => `k${key}: 1`).join("\n"), 2],
    ["keys in JSON", (count: number) => `{${Array.from({ length: count }, (_, key) => `"${key}":1`).join()}}`, 2],
    ["quoted values", (count: number) => Array.from({ length: count }, () => `- 'a'`).join("\n"), 1],
    ["blocks of text", (count: number) => Array.from({ length: count }, () => `- |\n  [[\n`).join(""), 2],
    ["lists in lists", (count: number) => Array.from({ length: count }, () => "- []").join("\n"), 1],
  ])("is spent by %s", (_, textOf, nodes) => {
    expect(overBudget(textOf(Math.floor((MOST - 10) / nodes)), MOST)).toBeUndefined();
    expect(overBudget(textOf(Math.ceil((MOST + 10) / nodes)), MOST)?.message).toMatch("keys and values");
  });

  it("looks at no token behind the one that is too much", () => {
    expect(overBudget(`${list(MOST)}\n${"[".repeat(100)}`, MOST)?.message).toMatch("keys and values");
  });

  it.each([
    ["brackets", nested],
    ["indentation", indented],
    ["dashes in a line", (depth: number) => `${"- ".repeat(depth - 1)}x`],
    ["brackets under indentation", (depth: number) => `${indented(depth - 3)} ${nested(3)}`],
  ])("lets %s go 32 levels deep", (_, textOf) => {
    expect(overBudget(textOf(32))).toBeUndefined();
    expect(overBudget(textOf(34))?.message).toMatch("nested 32 levels deep");
  });

  it("counts levels that are left no more, and texts that look like tokens not at all", () => {
    const levels = Array.from({ length: 100 }, (_, key) => `k${key}:\n  - a: [b]`).join("\n");
    expect(overBudget(levels)).toBeUndefined();
    expect(overBudget(`a: "${"[".repeat(100)}"\nb: x${"[".repeat(100)}\n# ${"[".repeat(100)}`)).toBeUndefined();
  });

  it("lets 1 000 aliases through, and no more", () => {
    const aliases = (count: number): string => `a: &a x\nb: [${Array.from({ length: count }, () => "*a").join(", ")}]`;
    expect(overBudget(aliases(1_000))).toBeUndefined();
    expect(overBudget(aliases(1_001))?.message).toMatch("1000 aliases");
  });
});
