import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseEnvFile, readEnvironment } from "./env-file.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-env-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(text: string, env: NodeJS.ProcessEnv = {}) {
  const path = join(folder, ".env");
  await writeFile(path, text);
  return readEnvironment({ ...env, SLUICE_ENV_FILE: path });
}

describe("a file of settings", () => {
  test("overwrites nothing of the environment, not even what is empty there", async () => {
    const given = { NATS_PORT: "14222", REDIS_PORT: "" };
    const { env, origins } = await read("NATS_PORT=1\nREDIS_PORT=2\nLOG_LEVEL=debug\n", given);
    expect(env).toMatchObject({ NATS_PORT: "14222", REDIS_PORT: "", LOG_LEVEL: "debug" });
    expect([...origins.keys()]).toEqual(["LOG_LEVEL"]);
    expect(origins.get("LOG_LEVEL")).toMatch(/\.env:3$/);
  });

  test("holds values without the blanks and line ends around them, as the environment does", async () => {
    const given = { AUTH_URL: " http://auth:8081\n", SLUICE_TOKEN: "secret\r\n", SLUICE_USER: "\n", EMPTY: "" };
    const { env } = await read(`SLUICE_TENANT=" acme\n"\n`, given);
    expect(env).toMatchObject({
      AUTH_URL: "http://auth:8081",
      SLUICE_TOKEN: "secret",
      SLUICE_USER: "",
      SLUICE_TENANT: "acme",
      EMPTY: "",
    });
    await expect(readEnvironment({ SLUICE_ENV_FILE: "\n", HOME: "/" })).resolves.toMatchObject({ env: { HOME: "/" } });
  });

  test("that is named must be there; the project's own need not", async () => {
    await expect(readEnvironment({ SLUICE_ENV_FILE: join(folder, "none") })).rejects.toThrow(
      /none cannot be read: ENOENT/,
    );
    await expect(readEnvironment({ HOME: "/" })).resolves.toMatchObject({ env: { HOME: "/" } });
  });

  test("has the same names for us as for Node, with comments, exports and values of several lines", () => {
    const text = [
      "# a comment",
      "A=1 # one",
      "export B = two",
      `C="x`,
      "NOT_A_NAME=1",
      `y"`,
      "D='#'",
      "",
      "E=",
      "A=2",
      "F=`a'b\"c`",
    ].join("\n");
    const { env, origins } = parseEnvFile(text, ".env");
    expect(env).toEqual({ A: "2", B: "two", C: "x\nNOT_A_NAME=1\ny", D: "#", E: "", F: `a'b"c` });
    expect(Object.fromEntries(origins)).toEqual({
      A: ".env:10",
      B: ".env:3",
      C: ".env:4",
      D: ".env:7",
      E: ".env:9",
      F: ".env:11",
    });
  });

  test.each([
    ["A=1\nNATS_PORT 4222\n", ".env:2: must be NAME=value"],
    ["1A=1", ".env:1: must be NAME=value"],
    [`\nA="1\nB=2\n`, `.env:2: the value begins with " and does not end with one`],
  ])("%j is refused with its line", (text, fault) => {
    expect(() => parseEnvFile(text, ".env")).toThrow(fault);
  });
});
