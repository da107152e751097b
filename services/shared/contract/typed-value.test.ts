import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { orderedTypeOf, readTyped } from "./typed-value.ts";

const number = (text: string) => readTyped("number", text);
const time = (text: string) => readTyped("time", text);

describe("a number", () => {
  it.each([
    ["0", "-0"],
    ["1", "1.0"],
    ["1000", "1e3"],
    ["0.1", "1E-1"],
    ["-2.50", "-2.5"],
    ["1e+39", `1${"0".repeat(39)}`],
  ])("%s is the same as %s", (a, b) => {
    expect(number(a)).toBeDefined();
    expect(number(a)).toBe(number(b));
  });

  it.each([
    ["0.1", "0.10000000000000000000000000000000000001"],
    ["9007199254740992", "9007199254740993"],
    ["-1", "-0.99"],
    ["9", "10"],
    ["1e-40", "1e40"],
  ])("%s is less than %s, to the last digit", (less, more) => {
    expect(number(less)! < number(more)!).toBe(true);
  });

  it.each([
    "",
    " 1",
    "1 ",
    "+1",
    "01",
    "1.",
    ".5",
    "1e",
    "1e41",
    "0x10",
    "1_000",
    "1,5",
    "NaN",
    "Infinity",
    "١",
    "1\n",
  ])("is not %j", (text) => {
    expect(number(text)).toBeUndefined();
  });

  it("has up to 40 characters", () => {
    expect(number("1".repeat(40))).toBeDefined();
    expect(number("1".repeat(41))).toBeUndefined();
  });

  it("is in the order of its double, where doubles can tell", () => {
    const double = fc.double({ noNaN: true, min: -1e15, max: 1e15 }).filter((each) => Math.abs(each) > 1e-15);
    fc.assert(
      fc.property(double, double, (a, b) => {
        const [left, right] = [number(String(a)), number(String(b))];
        return left !== undefined && right !== undefined && left < right === a < b && (left === right) === (a === b);
      }),
    );
  });
});

describe("a time", () => {
  it.each([
    ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00"],
    ["2026-01-01T00:00:00Z", "2025-12-31T18:30:00-05:30"],
    ["2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.500000000Z"],
    ["1969-12-31T23:59:59.25Z", "1970-01-01T00:59:59.25+01:00"],
    ["2026-01-01T00:00:00-00:00", "2026-01-01T00:00:00Z"],
  ])("%s is %s", (a, b) => {
    expect(time(a)).toBeDefined();
    expect(time(a)).toBe(time(b));
  });

  it.each([
    ["2026-01-01T00:00:00.000000001Z", "2026-01-01T00:00:00.000000002Z"],
    ["2026-01-01T00:30:00+01:00", "2026-01-01T00:00:00Z"],
    ["1969-12-31T23:59:59.9Z", "1970-01-01T00:00:00Z"],
    ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"],
  ])("%s is before %s", (earlier, later) => {
    expect(time(earlier)! < time(later)!).toBe(true);
  });

  it.each([
    "2026-01-01",
    "2026-01-01T00:00:00",
    "2026-01-01 00:00:00Z",
    "2026-01-01t00:00:00z",
    "2026-02-30T00:00:00Z",
    "2025-02-29T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:00:60Z",
    "2026-13-01T00:00:00Z",
    "2026-01-01T00:00:00+24:00",
    "2026-01-01T00:00:00+0100",
    "2026-01-01T00:00:00.Z",
    "2026-01-01T00:00:00.0000000001Z",
    "1767225600",
  ])("is not %s", (text) => {
    expect(time(text)).toBeUndefined();
  });
});

it("a boolean is true or false, and nothing like them", () => {
  expect([readTyped("boolean", "true"), readTyped("boolean", "false")]).toEqual([1n, 0n]);
  for (const text of ["True", "1", "yes", "", "false "]) expect(readTyped("boolean", text)).toBeUndefined();
});

it("what has an order is a number or a time", () => {
  expect(["5", "2026-01-01T00:00:00Z", "true", "a"].map(orderedTypeOf)).toEqual([
    "number",
    "time",
    undefined,
    undefined,
  ]);
});
