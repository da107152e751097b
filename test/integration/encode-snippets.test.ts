import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { encodeName } from "#shared/protocol/encode-name.ts";

const page = readFileSync(new URL("../../docs/reference/names.md", import.meta.url), "utf8");

/** Every character of ASCII that names may hold, and what takes two to four bytes. */
const NAMES = [
  Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join(""),
  "auth0|64a",
  "jane.doe@acme.example",
  "/ops/on call",
  "100%",
  "Zoë山田👩‍💻",
];

/** The page's example in this language. */
function snippet(language: string): string {
  return new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(page)?.[1] ?? "";
}

function isThere(command: string, argument: string): boolean {
  return spawnSync(command, [argument]).status === 0;
}

/** What a program prints for the names, which it gets as its arguments. */
function run(command: string, ...args: readonly string[]): string[] {
  const { stdout, stderr, status } = spawnSync(command, [...args, ...NAMES], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return stdout.trimEnd().split("\n");
}

test("the page's table of tokens is right", () => {
  const rows = [...page.matchAll(/^\| `([^`]+)` +\| `([^`]+)` +\|$/gm)].map(([, name = "", token = ""]) => [
    name,
    token,
  ]);
  const names = rows.map(([name = ""]) => name.replace(String.raw`\|`, "|"));
  expect(names).toContain("auth0|64a");
  expect(rows.map(([, token]) => token)).toEqual(names.map(encodeName));
});

test("the page's JavaScript encodes names as Sluice does", () => {
  const program = `${snippet("js")}for (const name of process.argv.slice(1)) console.log(encodeName(name));`;
  expect(run(process.execPath, "-e", program, "--")).toEqual(NAMES.map(encodeName));
});

test.skipIf(!isThere("python3", "--version"))("the page's Python encodes names as Sluice does", () => {
  const program = `${snippet("python")}\nimport sys\nfor name in sys.argv[1:]: print(encode_name(name))`;
  expect(run("python3", "-c", program)).toEqual(NAMES.map(encodeName));
});

test.skipIf(!isThere("go", "version"))("the page's Go encodes names as Sluice does", () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-names-"));
  try {
    const imports = 'import (\n\t"fmt"\n\t"os"';
    const main = "func main() {\n\tfor _, name := range os.Args[1:] {\n\t\tfmt.Println(EncodeName(name))\n\t}\n}\n";
    const library = snippet("go").replace("package names", "package main").replace("import (", imports);
    writeFileSync(join(folder, "main.go"), library + main);
    expect(run("go", "run", join(folder, "main.go"))).toEqual(NAMES.map(encodeName));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
