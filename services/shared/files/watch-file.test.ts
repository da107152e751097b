import { mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { waitFor } from "#test/support/wait.ts";
import { readFilesAgain, watchFile } from "./watch-file.ts";

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-watched-"));
  path = join(folder, "file");
});
afterEach(() => rm(folder, { recursive: true }));

/** A watch of `path` that keeps what it was told; `bad…` cannot be used. */
function watch() {
  const [contents, faults]: [string[], string[]] = [[], []];
  const watching = watchFile({
    paths: [path],
    everyMs: 5,
    read: async () => {
      const text = await readFile(path, "utf8");
      if (text.startsWith("bad")) throw new Error("it is bad");
      return text;
    },
    onRead: (text) => void contents.push(text),
    onFault: (reason) => void faults.push(reason),
  });
  return { contents, faults, [Symbol.asyncDispose]: () => watching[Symbol.asyncDispose]() };
}

test("a file is read once after the start, and again each time it was replaced", async () => {
  await writeFile(path, "one");
  await using watched = watch();
  await waitFor("it is read", () => watched.contents.length === 1);
  await writeFile(join(folder, "next"), "two");
  await rename(join(folder, "next"), path);
  await waitFor("it is read again", () => watched.contents.at(-1) === "two");
  expect(watched).toMatchObject({ contents: ["one", "two"], faults: [] });
});

test("a link that points somewhere else is a change", async () => {
  await writeFile(join(folder, "a"), "one");
  await writeFile(join(folder, "b"), "two");
  await symlink(join(folder, "a"), path);
  await using watched = watch();
  await waitFor("it is read", () => watched.contents.length === 1);
  await symlink(join(folder, "b"), join(folder, "link"));
  await rename(join(folder, "link"), path);
  await waitFor("the other is read", () => watched.contents.at(-1) === "two");
});

test("a file that cannot be used is told once for each change, and what comes after it counts", async () => {
  await using watched = watch();
  await waitFor("its absence is told", () => watched.faults.length === 1);
  await writeFile(path, "bad");
  await waitFor("its fault is told", () => watched.faults.length === 2);
  await writeFile(path, "bad, too");
  await waitFor("the next fault is told", () => watched.faults.length === 3);
  await writeFile(path, "good");
  await waitFor("it is read", () => watched.contents.length === 1);
  expect(watched.faults.slice(1)).toEqual(["it is bad", "it is bad"]);
});

test("a file is read again at once when all are to be, changed or not, and its fault is told", async () => {
  await writeFile(path, "one");
  await using watched = watch();
  await waitFor("it is read", () => watched.contents.length === 1);
  expect(await readFilesAgain()).toBe(1);
  expect(watched.contents).toEqual(["one", "one"]);
  await rm(path);
  await readFilesAgain();
  expect(watched.faults[0]).toContain("ENOENT");
});

test("a watch that is over reads nothing again", async () => {
  await watch()[Symbol.asyncDispose]();
  expect(await readFilesAgain()).toBe(0);
});
