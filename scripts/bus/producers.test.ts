import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { addKey, addProducer } from "./producers.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-producers-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("an account whose making broke off before the configuration named it is named with its next key", async () => {
  await addProducer(folder, { tenant: "acme" });
  await rm(join(folder, "producers.conf"));
  await expect(addProducer(folder, { tenant: "acme" })).rejects.toThrow("bus rotate gives them a new key");
  await addKey(folder, "acme");
  expect(await readFile(join(folder, "producers.conf"), "utf8")).toContain('include "producers/acme.conf"');
});
