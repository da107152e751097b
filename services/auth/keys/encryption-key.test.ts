import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readEncryptionKey } from "./encryption-key.ts";

const bytes = Buffer.alloc(32, 255);

test("a key is 32 bytes in base64 or base64url, in the environment or a file", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-key-"));
  const path = join(folder, "key");
  await writeFile(path, `${bytes.toString("base64")}\n`);
  expect(await readEncryptionKey({ AUTH_KEY_ENCRYPTION_KEY_FILE: path, SLUICE_DEMO: "0" })).toEqual(bytes);
  const given = bytes.toString("base64url");
  expect(await readEncryptionKey({ AUTH_KEY_ENCRYPTION_KEY: given, SLUICE_DEMO: "1" })).toEqual(bytes);
  await rm(folder, { recursive: true });
});

test("the demo has a key of its own, and nothing else has", async () => {
  expect(await readEncryptionKey({ SLUICE_DEMO: "1" })).toHaveLength(32);
  await expect(readEncryptionKey({ SLUICE_DEMO: "0" })).rejects.toThrow("set AUTH_KEY_ENCRYPTION_KEY_FILE or");
});

test.each([
  ["31 bytes", bytes.subarray(1).toString("base64")],
  ["33 bytes", Buffer.alloc(33).toString("base64")],
  ["no base64", "?".repeat(43)],
])("%s are refused, without quoting them", async (_, text) => {
  const refused = readEncryptionKey({ AUTH_KEY_ENCRYPTION_KEY: text, SLUICE_DEMO: "1" });
  await expect(refused).rejects.toThrow("AUTH_KEY_ENCRYPTION_KEY must hold 32 bytes in base64");
  await expect(refused).rejects.not.toThrow(text);
});

test("two keys, or a file that is not there, are refused", async () => {
  const path = join(tmpdir(), "sluice-no-such-key");
  const file = { AUTH_KEY_ENCRYPTION_KEY_FILE: path, SLUICE_DEMO: "0" } as const;
  await expect(readEncryptionKey(file)).rejects.toThrow(/AUTH_KEY_ENCRYPTION_KEY_FILE cannot be read.*ENOENT/);
  const both = { ...file, AUTH_KEY_ENCRYPTION_KEY: bytes.toString("base64") };
  await expect(readEncryptionKey(both)).rejects.toThrow("not both");
});
