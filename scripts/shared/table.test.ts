import { expect, test } from "vitest";
import { tableOf } from "./table.ts";

test("columns are as wide as their widest cell", () => {
  expect(
    tableOf([
      ["id", "host"],
      ["w1", "edge-1"],
      ["worker", "e"],
    ]),
  ).toBe("id      host\nw1      edge-1\nworker  e");
});

test("no cell breaks its line, steers the terminal or turns the direction of writing", () => {
  expect(tableOf([["a\u001B[2Jb\nc\u009B1m\u202Ed", "e"]])).toBe("a?[2Jb?c?1m?d  e");
});
