import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { replaceFolder } from "./replace-folder.ts";

let parent: string;
let folder: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "sluice-replace-"));
  folder = join(parent, "built");
});
afterEach(() => rm(parent, { recursive: true }));

function build(text: string): Promise<void> {
  return replaceFolder(folder, async (fresh) => {
    await mkdir(join(fresh, "below"), { recursive: true });
    await writeFile(join(fresh, "below", "index.html"), text);
  });
}

const page = (): string => join(folder, "below", "index.html");

test("a folder takes the place of the one before, of which nothing is left", async () => {
  await build("one");
  await build("two");
  expect(await readFile(page(), "utf8")).toBe("two");
  expect(await readdir(parent)).toEqual(["built"]);
});

test("a folder with the same files stays, and is as young as a new one", async () => {
  await build("one");
  const { ino } = await stat(page());
  await utimes(page(), 0, 0);
  await build("one");
  const after = await stat(page());
  expect(after.ino).toBe(ino);
  expect(after.mtimeMs).toBeGreaterThan(0);
  expect(await readdir(parent)).toEqual(["built"]);
});
