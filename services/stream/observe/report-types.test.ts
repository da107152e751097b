import { expect, test } from "vitest";
import type { Logger } from "#shared/log/create-logger.ts";
import { reportTypes } from "./report-types.ts";

let now = 0;

function createReport() {
  const lines: string[] = [];
  const warn = ({ tenant, eventType, unreported }: { tenant: string; eventType: string; unreported: number }) =>
    lines.push(`${tenant} ${eventType} ${unreported}`);
  return { lines, report: reportTypes({ warn } as unknown as Logger, () => now) };
}

test("a type that no rule names is logged once a minute for each tenant, with the number left out", () => {
  const { lines, report } = createReport();
  for (let times = 0; times < 3; times += 1) report("made.up", "acme");
  report("made.up", "rival");
  now += 59_999;
  report("made.up", "acme");
  expect(lines).toEqual(["acme made.up 0", "rival made.up 0"]);
  now += 1;
  report("made.up", "acme");
  expect(lines.slice(2)).toEqual(["acme made.up 3"]);
});

test("types that are made up do not fill the log: a hundred a minute have a line", () => {
  const { lines, report } = createReport();
  for (let type = 0; type < 101; type += 1) report(`made.up${type}`, "acme");
  expect(lines).toHaveLength(100);
  now += 60_000;
  report("made.up100", "acme");
  expect(lines.at(-1)).toBe("acme made.up100 0");
});
