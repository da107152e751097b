import { expect, test } from "vitest";
import { findCycle, parseImports } from "./read-sources.ts";

test("reads values, types, side effects, re-exports and calls, over one line and several", () => {
  const text = `
import { a } from "./a.ts";
import type { B } from "../b.ts";
import {
  type C,
  d,
} from "#shared/c.ts";
import "node:fs";
export { e } from "#proto/e.ts";
export const f = "from";
const g = await import("./g.ts");
`;
  expect(parseImports("services/x/y/z.ts", text)).toEqual([
    { specifier: "./a.ts", file: "services/x/y/a.ts" },
    { specifier: "../b.ts", file: "services/x/b.ts" },
    { specifier: "#shared/c.ts", file: "services/shared/c.ts" },
    { specifier: "node:fs", file: undefined },
    { specifier: "#proto/e.ts", file: "proto/gen/e.ts" },
    { specifier: "./g.ts", file: "services/x/y/g.ts" },
  ]);
});

test("finds a way round, and none where arrows only meet", () => {
  const diamond = { a: ["b", "c"], b: ["d"], c: ["d"], d: [] };
  expect(findCycle(new Map(Object.entries(diamond)))).toBeUndefined();
  expect(findCycle(new Map(Object.entries({ ...diamond, d: ["b"] })))).toEqual(["b", "d", "b"]);
});
