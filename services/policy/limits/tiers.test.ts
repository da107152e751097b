import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BUILT_IN_TIERS, effectiveLimits, readTiers, requireTier } from "./tiers.ts";

const folder = await mkdtemp(join(tmpdir(), "sluice-tiers-"));

async function fileOf(text: string): Promise<string> {
  const path = join(folder, "tiers.yaml");
  await writeFile(path, text);
  return path;
}

describe("the tiers", () => {
  test("are the built-in ones without a file", async () => {
    expect([...(await readTiers(undefined)).keys()]).toEqual(["default", "basic", "premium"]);
  });

  test("are those of the file, with a default that limits nothing where it names none", async () => {
    const tiers = await readTiers(await fileOf("gold: { connections: 7 }"));
    expect(Object.fromEntries(tiers)).toEqual({ default: {}, gold: { connections: 7 } });
  });

  test.each([
    ["an unknown limit", "gold: { conections: 7 }", /gold: .*conections/],
    ["a limit that is no number", "gold: { connections: many }", /gold\.connections/],
    ["a limit below zero", "gold: { connections: -1 }", /gold\.connections/],
    ["what the log keeps, which is each tenant's own", "gold: { historyBytes: 2000000 }", /historyBytes/],
    ["a name that is none", "a b: {}", /a b: /],
    ["no mapping", "[]", /the file/],
    ["no YAML", "gold: {", /POLICY_TIERS_FILE/],
  ])("of a file with %s are refused", async (_, text, fault) => {
    await expect(readTiers(await fileOf(text))).rejects.toThrow(fault);
  });

  test("are at most 32", async () => {
    const tiersOf = (count: number) => fileOf(Array.from({ length: count }, (_, index) => `t${index}: {}`).join("\n"));
    expect((await readTiers(await tiersOf(32))).size).toBe(33);
    await expect(readTiers(await tiersOf(33))).rejects.toThrow(/32 tiers/);
  });

  test("of a file that is missing are refused", async () => {
    await expect(readTiers(join(folder, "missing.yaml"))).rejects.toThrow(/cannot read/);
  });
});

describe("a tenant's limits", () => {
  const tiers = new Map([
    ["default", { connections: 10 }],
    ["gold", { connections: 100, topicsPerStream: 5 }],
  ]);

  test("are its tier's", () => {
    expect(effectiveLimits(tiers, { tier: "gold" })).toEqual({ tier: "gold", connections: 100, topicsPerStream: 5 });
  });

  test("are the default tier's where it names none, or one that is gone", () => {
    expect(effectiveLimits(tiers, {})).toEqual({ tier: "default", connections: 10 });
    expect(effectiveLimits(tiers, { tier: "gone" })).toEqual({ tier: "default", connections: 10 });
  });

  test("are its own before its tier's, also where one is zero; what its log keeps is no limit of an edge", () => {
    const own = { tier: "gold", connections: 0, historyBytes: 2 * 1024 * 1024, historyAgeSeconds: 600 };
    expect(effectiveLimits(tiers, own)).toEqual({ tier: "gold", connections: 0, topicsPerStream: 5 });
  });

  test("name only tiers that are defined", () => {
    expect(() => requireTier(BUILT_IN_TIERS, "gold")).toThrow(/there are basic, default, premium/);
    expect(() => requireTier(BUILT_IN_TIERS, "premium")).not.toThrow();
    expect(() => requireTier(BUILT_IN_TIERS, undefined)).not.toThrow();
  });
});
