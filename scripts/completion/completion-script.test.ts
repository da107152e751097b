import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { sluice } from "#test/support/run-sluice.ts";

describe("the script for bash", () => {
  test.each([
    [["pol"], ["policy"]],
    [["policy", "l"], ["lint"]],
    [["policy", "lint", "a.yaml", "--str"], ["--strict"]],
    [["keys", "--json", "li"], ["list"]],
    [["audit", "--tenant", "bus", "--fo"], ["--follow"]],
    [["nonsense", "policy", "li"], ["lint"]],
    [["bus", "x"], []],
  ])("completes %j by %j", async (words, expected) => {
    const { out } = await sluice(["completion", "bash"]);
    const typed = ["sluice", ...words].map((word) => `'${word}'`).join(" ");
    const ask = `COMP_WORDS=(${typed}); COMP_CWORD=${words.length}; _sluice; printf '%s\n' "\${COMPREPLY[@]}"`;
    const said = execFileSync("bash", ["--norc", "-c", `${out.join("\n")}\n${ask}`], { encoding: "utf8" });
    expect(said.split("\n").filter((line) => line !== "")).toEqual(expected);
  });
});

test.each(["zsh", "fish"])("the script for %s names the commands and their options", async (shell) => {
  const { code, out } = await sluice(["completion", shell]);
  expect(code).toBe(0);
  expect(out.join("\n")).toMatch(/policy lint[^]*strict/);
});

test("another shell is a wrong command line", async () => {
  const { code, err } = await sluice(["completion", "tcsh"]);
  expect([code, err]).toEqual([2, [expect.stringContaining("the shell is one of bash, zsh, fish")]]);
});
