import { expect, test } from "vitest";
import type { Client } from "./client.ts";
import { ClientRun } from "./client-run.ts";
import { formatClientPage } from "./client-table.ts";

const ran = new ClientRun(named("ran"));
const failed = new ClientRun(named("failed"));
failed.fault("afterCut", "waited in vain");

test("a row says what its client showed and what it did not", () => {
  const page = formatClientPage([ran.client, failed.client], [ran, failed], "");
  expect(cellsOf(page, "ran").filter((cell) => cell === "yes")).toHaveLength(6);
  expect(cellsOf(page, "failed")).toEqual([
    "failed",
    "1.0",
    "HTTP/1.1",
    "yes",
    "yes",
    "no",
    "yes",
    "yes",
    "yes",
    "a loop",
  ]);
});

test("a client that was not run keeps its row", () => {
  const before = formatClientPage([ran.client, failed.client], [ran, failed], "");
  expect(formatClientPage([ran.client, failed.client], [ran], before)).toBe(before);
  expect(formatClientPage([ran.client, failed.client], [ran], "")).not.toContain("| failed");
});

function named(name: string): Client {
  return {
    name,
    version: "1.0",
    transport: "HTTP/1.1",
    comesBack: "a loop",
    notes: ["Wait."],
    missing: () => undefined,
    start: () => Promise.reject(new Error("is not started here")),
  };
}

function cellsOf(page: string, name: string): string[] {
  const line = page.split("\n").find((each) => each.startsWith(`| ${name} `)) ?? "";
  return line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());
}
