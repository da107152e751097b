import { appendFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LogFile } from "./log-file.ts";

let folder: string;
let path: string;
let shown: string[];
let file: LogFile;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-log-"));
  path = join(folder, "auth.log");
  shown = [];
  appendFileSync(path, lineOf("error", "of an earlier run"));
  file = new LogFile(path, (text) => void shown.push(text), { maxBytes: 1_000, kept: 2 });
});
afterEach(() => rm(folder, { recursive: true }));

test("warnings and errors are shown, each once, and only whole lines", () => {
  const [first, second] = [lineOf("warn", "one"), lineOf("error", "two")];
  appendFileSync(path, `${lineOf("info", "nothing")}${first}${second.slice(0, 40)}`);
  file.look();
  file.look();
  expect(shown).toHaveLength(1);
  appendFileSync(path, second.slice(40));
  file.look();
  expect(shown.map((text) => /one|two/.exec(text)?.[0])).toEqual(["one", "two"]);
});

test("a file that is too long is set aside, and only so many are kept", async () => {
  for (const round of ["a", "b", "c", "d"]) {
    appendFileSync(path, `${round.repeat(1_000)}\n`);
    file.look();
  }
  expect((await readdir(folder)).toSorted()).toEqual(["auth.log", "auth.log.1", "auth.log.2"]);
  expect(await readFile(path, "utf8")).toBe("");
  expect(await readFile(`${path}.1`, "utf8")).toMatch(/^d+\n$/);
  expect(await readFile(`${path}.2`, "utf8")).toMatch(/^c+\n$/);
});

test("a file that is not too long yet stays as it is", async () => {
  appendFileSync(path, "x".repeat(999 - lineOf("error", "of an earlier run").length));
  file.look();
  expect(await readdir(folder)).toEqual(["auth.log"]);
  appendFileSync(path, "x");
  file.look();
  expect(await readdir(folder)).toEqual(["auth.log", "auth.log.1"]);
});

function lineOf(level: string, msg: string): string {
  return `${JSON.stringify({ level, time: "2026-01-31T12:00:00.000Z", "service.name": "auth", msg })}\n`;
}
