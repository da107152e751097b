import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findOnPath } from "../../scripts/provision/find-on-path.ts";
import { listFiles } from "#test/architecture/read-sources.ts";
import { checkTypes } from "./check-types.ts";
import { checkYaml } from "./check-yaml.ts";
import { type Block, listPages, parseBlocks, placeOf, readBlocks } from "./read-blocks.ts";

/** What a block may be, and what looks at it; `text` and `csv` show what somebody prints or has, and `sql` is run by the page's own programs. */
const LANGUAGES = {
  commands: ["sh"],
  types: ["js", "ts", "tsx", "html"],
  data: ["yaml", "json", "jsonc"],
  parsed: ["python", "go", "java"],
  units: ["ini"],
  shown: ["text", "csv", "sql"],
};

const blocks = readBlocks(listPages()).filter(({ mark }) => mark?.kind !== "not run");
const of = (...languages: string[]): Block[] => blocks.filter(({ language }) => languages.includes(language));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-blocks-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** What is wrong with the blocks, a line each. */
async function faultsOf(some: readonly Block[], check: (block: Block) => unknown): Promise<string[]> {
  const faults: string[] = [];
  for (const block of some) {
    try {
      await check(block);
    } catch (error) {
      faults.push(`${placeOf(block)}: ${(error as Error).message}`);
    }
  }
  return faults;
}

test("a block and the comment before it are read from a page, also within a list", () => {
  const page = "# A\n\n<!-- run: until event: ready -->\n\n```sh\na\n\nb\n```\n\n- x\n\n  ```js\n  c();\n  ```\n";
  expect(parseBlocks("a.md", page)).toEqual([
    { page: "a.md", line: 5, language: "sh", text: "a\n\nb\n", mark: { kind: "until", text: "event: ready" } },
    { page: "a.md", line: 13, language: "js", text: "c();\n", mark: undefined },
  ]);
});

test("each block says in which language it is, and something here looks at that language", () => {
  const known = Object.values(LANGUAGES).flat();
  expect(blocks.filter(({ language }) => !known.includes(language)).map(placeOf)).toEqual([]);
});

test("what is not run says why in words", () => {
  const reasons = readBlocks(listPages()).flatMap(({ mark }) => (mark?.kind === "not run" ? [mark.reason] : []));
  expect(reasons.filter((reason) => reason.split(" ").length < 2)).toEqual([]);
});

test("the services take each block of YAML as they take such a file", async () => {
  expect(await faultsOf(of("yaml"), ({ text }) => checkYaml(text, folder))).toEqual([]);
});

test("each block of JSON is JSON, as a whole or line by line", async () => {
  const parse = ({ text }: Block): unknown => {
    if (text.startsWith("{\n") || text.startsWith("[\n")) return JSON.parse(text);
    return text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
  };
  expect(await faultsOf(of("json"), parse)).toEqual([]);
});

test("the compiler finds nothing wrong with the programs for pages and for Node", async () => {
  expect(await checkTypes(of(...LANGUAGES.types))).toEqual([]);
});

test("programs in other languages are those that are run from docs/snippets, or can at least be parsed", async () => {
  const snippets = listFiles().filter((path) => path.startsWith("docs/snippets/"));
  const texts = await Promise.all(snippets.map((path) => readFile(path, "utf8")));
  const here = of(...LANGUAGES.parsed).filter(({ text }) => !texts.some((each) => each.includes(text.trimEnd())));
  expect(await faultsOf(here, parseProgram)).toEqual([]);
});

test("systemd finds nothing wrong with units, where it is here", async () => {
  if (findOnPath("systemd-analyze", process.env["PATH"] ?? "") === undefined) return;
  const units = of(...LANGUAGES.units).filter(({ text }) => text.includes("[Service]"));
  const check = async ({ text }: Block): Promise<void> => {
    const file = join(folder, /^# (\S+)/.exec(text)?.[1] ?? "block.service");
    // The program is not at its place on this machine.
    await writeFile(file, text.replace(/^ExecStart=\S+/m, "ExecStart=/bin/true"));
    await promisify(execFile)("systemd-analyze", ["verify", file]);
  };
  expect(await faultsOf(units, check)).toEqual([]);
});

const PARSERS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  python: ["python3", "-c", "import ast, sys; ast.parse(sys.argv[1])"],
  go: ["gofmt", "-e"],
};

/** Where this machine has no such language, nobody looks. */
async function parseProgram({ language, text }: Block): Promise<void> {
  const parser = PARSERS[language];
  if (parser === undefined) throw new Error("is in no file of docs/snippets");
  const [command, ...args] = parser;
  if (findOnPath(command, process.env["PATH"] ?? "") === undefined) return;
  const running = promisify(execFile)(command, language === "python" ? [...args, text] : args);
  running.child.stdin?.end(text);
  await running;
}
