import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type LimitedLog, limitLines } from "./limit-lines.ts";

let lines: string[];
let limited: LimitedLog;

beforeEach(() => {
  vi.useFakeTimers();
  lines = [];
  const keep = (_: object, message: string): void => void lines.push(message);
  limited = limitLines({ debug: keep, info: keep, warn: keep, error: keep });
});
afterEach(() => {
  limited[Symbol.dispose]();
  vi.useRealTimers();
});

function writeLines(count: number, kind = "refused"): void {
  for (let line = 0; line < count; line += 1) limited.write("info", kind, {}, `${kind} ${line}`);
}

test("50 lines of a kind are written at once, and no sum", () => {
  writeLines(50);
  vi.advanceTimersByTime(5_000);
  expect(lines).toHaveLength(50);
});

test("what is beyond 50 lines in a second is one line at its end", () => {
  writeLines(1_250);
  expect(lines).toHaveLength(50);
  vi.advanceTimersByTime(1_000);
  expect(lines.slice(50)).toEqual(["… 1200 more lines of this kind within a second"]);
});

test("a flood of one kind leaves the lines of another, and ends with its second", () => {
  writeLines(100);
  writeLines(1, "opened");
  expect(lines.at(-1)).toBe("opened 0");
  vi.advanceTimersByTime(1_000);
  writeLines(20);
  expect(lines.at(-1)).toBe("refused 19");
});

test("a sum that is still open is written at the end", () => {
  writeLines(51);
  limited[Symbol.dispose]();
  expect(lines.at(-1)).toBe("… 1 more lines of this kind within a second");
});
