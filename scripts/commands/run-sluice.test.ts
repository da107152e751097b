import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { sluice } from "#test/support/run-sluice.ts";
import manifest from "../../package.json" with { type: "json" };
import { commandLinePage } from "./command-line-page.ts";
import { silentTerminal } from "../shared/silent-terminal.ts";
import { createSluice } from "./run-sluice.ts";

const newSluice = (): Command => createSluice(silentTerminal());
const COMMANDS = pathsOf(newSluice()).slice(1);
const LEAVES = COMMANDS.filter((path) => commandAt(newSluice(), path).commands.length === 0);

describe("help", () => {
  test.each(COMMANDS.map((path) => [path.join(" ")]))("of %s is printed for --help, -h and help", async (line) => {
    const path = line.split(" ");
    const { code, out, err } = await sluice([...path, "--help"]);
    expect([code, err]).toEqual([0, []]);
    expect(out.join("\n")).toMatch(new RegExp(`^Usage: sluice ${line} `));
    expect(await sluice([...path, "-h"])).toEqual({ code, out, err });
    expect(await sluice(["help", ...path])).toEqual({ code, out, err });
  });

  test("is what a command without its subcommand prints", async () => {
    for (const path of [[], ["policy"], ["bus"], ["keys"], ["demo"]]) {
      const { code, out, err } = await sluice(path);
      expect([code, err, out.join("\n")]).toEqual([0, [], expect.stringContaining("\nCommands:\n")]);
    }
  });

  test.each(LEAVES.map((path) => [path.join(" ")]))("of %s has examples that the command takes", async (line) => {
    const { out } = await sluice([...line.split(" "), "--help"]);
    const examples = out.join("\n").split(/\nExamples?:\n/)[1] ?? "";
    const calls = [...examples.matchAll(/npx sluice ([^|<>#\n]*)/g)].map(([, words = ""]) => wordsOf(words));
    expect(calls.length).toBeGreaterThan(0);
    for (const words of calls) {
      const parsed = newSluice();
      let taken: string | undefined;
      for (const path of LEAVES) commandAt(parsed, path).action(() => void (taken = path.join(" ")));
      await parsed.parseAsync(words, { from: "user" });
      expect(words.join(" ")).toMatch(new RegExp(`^${taken}( |$)`));
    }
  });

  test("is what the documentation has; where it is not: npm run gen", async () => {
    const page = new URL("../../docs/reference/command-line.md", import.meta.url);
    expect(await readFile(page, "utf8")).toBe(commandLinePage());
  });
});

test("the version is that of package.json", async () => {
  for (const option of ["--version", "-V"]) {
    expect(await sluice([option])).toEqual({ code: 0, out: [manifest.version], err: [] });
  }
});

describe("a command line that is wrong ends with 2 and one line that says so", () => {
  const KID = "a".repeat(43);
  test.each([
    ["polic", "sluice: unknown command 'polic' (Did you mean policy?)"],
    ["nonsense --help", "sluice: unknown command 'nonsense'"],
    ["help nonsense", "sluice: unknown command 'nonsense'"],
    ["help policy lnt", "sluice policy: unknown command 'lnt' (Did you mean lint?)"],
    ["--nonsense", "sluice: unknown option '--nonsense'"],
    ["policy lnt", "sluice policy: unknown command 'lnt' (Did you mean lint?)"],
    ["policy lint a.yaml --strit", "sluice policy lint: unknown option '--strit' (Did you mean --strict?)"],
    ["demo publish now", "sluice demo publish: too many arguments"],
    ["demo publish --rat 3", "sluice demo publish: unknown option '--rat' (Did you mean --rate?)"],
    ["demo publish --rate", "sluice demo publish: option '--rate <n>' argument missing"],
    ["demo publish --rate fast", "sluice demo publish: --rate must be a number of events"],
    ["demo publish --count 3 --once", "sluice demo publish: give either --count or --once"],
    ["audit", "sluice audit: required option '--tenant <name>' not specified"],
    ["audit --tenant a.b", "sluice audit: --tenant must be 1 to 64"],
    ["audit --tenant demo --since 1y", "sluice audit: --since takes a number and a unit"],
    ["poison", "sluice poison: required option '--tenant <name>' not specified"],
    ["poison --tenant demo --from 0", "sluice poison: --from takes a sequence"],
    ["poison --tenant demo --show x", "sluice poison: --show takes a sequence"],
    ["bus add", "sluice bus add: missing required argument 'tenant'"],
    ["bus add a.b", "sluice bus add: a tenant's name is"],
    ["bus add SLUICE", "sluice bus add: the account SLUICE is one of Sluice's own"],
    ["bus remove EDGE", "sluice bus remove: the account EDGE is one of Sluice's own"],
    ["bus add a b", "sluice bus add: too many arguments"],
    ["bus list a", "sluice bus list: too many arguments"],
    ["bus drop a", "sluice bus: unknown command 'drop'"],
    ["bus add a --what", "sluice bus add: unknown option '--what'"],
    ["keys withdraw", "sluice keys withdraw: missing required argument 'kid'"],
    [`keys withdraw ${KID} ${KID}`, "sluice keys withdraw: too many arguments"],
    ["keys list all", "sluice keys list: too many arguments"],
    ["keys burn", "sluice keys: unknown command 'burn'"],
    ["certificates here", "sluice certificates: too many arguments"],
    ["hash-password sluice-demo", "sluice hash-password: too many arguments"],
    ["hash-password", "sluice hash-password: give the password on stdin"],
    ["encode", "sluice encode: missing required argument 'name'"],
    ["encode a b", "sluice encode: too many arguments"],
    [`encode ${"a".repeat(257)}`, "sluice encode: a name is 1 to 256 bytes"],
    ["encode a\u0007", "sluice encode: a name is 1 to 256 bytes"],
  ])("%s", async (line, expected) => {
    const { code, out, err } = await sluice(line.split(" "));
    expect([code, out, err.length]).toEqual([2, [], 1]);
    expect(err[0]).toMatch(/^.*; sluice[a-z -]* --help says how to use it$/);
    expect(err[0]?.slice(0, expected.length)).toBe(expected);
  });

  test("in the process itself too", () => {
    const expected = "sluice: unknown command 'polic' (Did you mean policy?); sluice --help says how to use it\n";
    const call = (): unknown => execFileSync(process.execPath, ["scripts/sluice.ts", "polic"], { stdio: "pipe" });
    expect(call).toThrow(expect.objectContaining({ status: 2, stderr: Buffer.from(expected) }));
  });
});

describe("work that fails ends with 1 and says why, without a stack", () => {
  test.each([
    ["bus list --dir /nowhere", {}, "sluice bus list: there is no nats.conf in /nowhere; npm start makes one"],
    ["keys list", { NATS_REPLICAS: "x" }, "sluice keys list: these settings are wrong:\n  NATS_REPLICAS"],
    ["keys list", { NATS_URL: "here" }, "sluice keys list: NATS_URL must be a URL such as nats://user:password@"],
    ["keys list", { NATS_URL: "nats://a:100%@h" }, "sluice keys list: NATS_URL must be a URL such as"],
    ["audit --tenant demo", { NATS_URL: "nats://127.0.0.1:9" }, "sluice audit: cannot connect to NATS at 127.0.0.1:9"],
    ["demo publish", { DEMO_NATS_URL: "http://h" }, "sluice demo publish: DEMO_NATS_URL must be a URL such as"],
    ["demo publish", { NATS_PORT: "9" }, "sluice demo publish: NATS at 127.0.0.1:9 does not answer"],
  ])("%s %o", async (line, env, expected) => {
    const { code, err } = await sluice(line.split(" "), { env });
    expect([code, err.length]).toEqual([1, 1]);
    expect(err[0]?.slice(0, expected.length)).toBe(expected);
    expect(err[0]).not.toMatch(/^\s+at /m);
  });
});

describe("sluice encode", () => {
  test.each([
    [["encode", "auth0|64a"], "auth0%7C64a"],
    [["encode", "jane@acme.com"], "jane%40acme%2Ecom"],
    [["encode", "e\u0301"], "%C3%A9"],
    [["encode", "--", "-x"], "-x"],
    [["encode", "\u00e9".repeat(128)], "%C3%A9".repeat(128)],
  ])("%j", async (args, token) => {
    expect(await sluice(args)).toEqual({ code: 0, out: [token], err: [] });
  });
});

test("a password's hash is of what stands on stdin, without its last line break", async () => {
  const { code, out, err } = await sluice(["hash-password"], { stdin: "sluice-demo\n" });
  expect([code, out, err]).toEqual([0, [expect.stringMatching(/^\$argon2id\$/)], []]);
});

/** The words of a line as a shell splits it, with single and double quotes. */
function wordsOf(line: string): string[] {
  return Array.from(line.matchAll(/'([^']*)'|"([^"]*)"|\S+/g), ([word, single, double]) => single ?? double ?? word);
}

function pathsOf(command: Command, above: readonly string[] = []): string[][] {
  return [[...above], ...command.commands.flatMap((each) => pathsOf(each, [...above, each.name()]))];
}

function commandAt(sluiceCommand: Command, path: readonly string[]): Command {
  return path.reduce((command, name) => command.commands.find((each) => each.name() === name)!, sluiceCommand);
}
