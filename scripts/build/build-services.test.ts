import { readdir, readFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { builtProgram } from "./build-services.ts";

const folder = dirname(builtProgram("stream"));

/** Packages that others take only where they are there. */
const NEVER_THERE = ["bufferutil", "utf-8-validate"];

const files = (await readdir(folder)).filter((name) => name.endsWith(".js"));
const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));

test("a built program has every call that its source has, also one that is made for its error alone", () => {
  expect(texts.filter((text) => /\n\s+decodeURIComponent\(text\);\n/.test(text))).toHaveLength(1);
});

test("a built program needs no package beside it", () => {
  const wanted = texts.flatMap((text) => [
    ...text.matchAll(/^(?:import|export) (?:[^"';]* from )?"(?<name>[^."][^"]*)"/gm),
    ...text.matchAll(/__require\("(?<name>[^."][^"]*)"\)/g),
  ]);
  const packages = new Set(wanted.map(({ groups }) => groups?.["name"] ?? "").filter((name) => !isBuiltin(name)));
  expect([...packages].filter((name) => !NEVER_THERE.includes(name))).toEqual([]);
  expect(wanted.length).toBeGreaterThan(10);
});
