import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findOnPath } from "./find-on-path.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-path-"));
  for (const name of ["a", "b", "c/tool"]) await mkdir(join(folder, name), { recursive: true });
  for (const name of ["a/tool", "b/tool"]) await writeFile(join(folder, name), "");
  await chmod(join(folder, "b/tool"), 0o755);
});
afterAll(() => rm(folder, { recursive: true }));

const path = (...names: string[]): string => names.map((name) => join(folder, name)).join(delimiter);

test("the first executable file of the name is found", () => {
  expect(findOnPath("tool", path("missing", "a", "c", "b"))).toBe(join(folder, "b/tool"));
});

test("the folder that the search is for is left out", () => {
  expect(findOnPath("tool", path("b", "a"), join(folder, "b/"))).toBeUndefined();
});

test("a name that is nowhere is not found", () => {
  expect(findOnPath("no-such-tool-of-ours", path("a", "b"))).toBeUndefined();
});
