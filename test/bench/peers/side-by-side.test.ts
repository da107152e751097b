import { describe, expect, test } from "vitest";
import type { Figure } from "../scenario.ts";
import { formatRows, sideBySide } from "./side-by-side.ts";

const p99 = (value: number): Figure => ({ name: "p99", value, unit: "ms" });
const refusal = (value: number): Figure => ({ name: "CPU for each refusal", value, unit: "µs" });

describe("figures side by side", () => {
  test("a row has the median of each server's rounds", () => {
    const measured = [
      { name: "sluice", rounds: [[p99(9)], [p99(100)], [p99(8)]] },
      { name: "peer", rounds: [[p99(3)], [p99(1)], [p99(2)]] },
    ];
    expect(sideBySide(measured)).toEqual([{ name: "p99", unit: "ms", medians: [9, 2] }]);
  });

  test("a figure that a server does not have is left open, for us as for a peer", () => {
    const measured = [
      { name: "sluice", rounds: [[p99(4)]] },
      { name: "peer", rounds: [[refusal(20), p99(2)]] },
    ];
    expect(sideBySide(measured)).toEqual([
      { name: "p99", unit: "ms", medians: [4, 2] },
      { name: "CPU for each refusal", unit: "µs", medians: [undefined, 20] },
    ]);
  });

  test("each peer's figure stands beside ours divided by it", () => {
    const rows = [{ name: "p99", unit: "ms", medians: [9, 2, 18] }];
    const [head = "", row = ""] = formatRows(["sluice", "one", "other"], rows).split("\n");
    expect(head.trim().split(/\s{2,}/)).toEqual(["sluice", "one", "ours ÷ it", "other", "ours ÷ it"]);
    expect(row.trim().split(/\s{2,}/)).toEqual(["p99, ms", "9", "2", "4.50 ×", "18", "0.50 ×"]);
  });

  test("nothing is divided by zero, and nothing by what is not there", () => {
    const rows = [{ name: "lost", unit: "", medians: [0, 0, undefined] }];
    const [, row = ""] = formatRows(["sluice", "one", "other"], rows).split("\n");
    expect(row.trim().split(/\s{2,}/)).toEqual(["lost", "0", "0", "–", "–", "–"]);
  });
});
