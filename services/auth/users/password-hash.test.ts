import { argon2Sync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { hashPassword, parsePasswordHash, verifyPassword } from "./password-hash.ts";

const SALT = "ElWyMYfmjbo9L+2fEAvoCg";
const TAG = "zu9ggM9xYSxpsfKp03ALP5zN+2zpMdln2w/RMeCOUes";

test("a password is verified against its own hash only", async () => {
  const hash = parsePasswordHash(await hashPassword("correct horse"))!;
  expect(await verifyPassword("correct horse", hash)).toBe(true);
  expect(await verifyPassword("correct horsf", hash)).toBe(false);
  expect(await verifyPassword("", hash)).toBe(false);
});

test("two hashes of one password differ", async () => {
  expect(await hashPassword("same")).not.toBe(await hashPassword("same"));
});

test("a PHC string from elsewhere is understood", async () => {
  const hash = parsePasswordHash(`$argon2id$v=19$m=19456,t=2,p=1$${SALT}$${TAG}`)!;
  expect(hash).toMatchObject({ memoryKiB: 19_456, passes: 2, lanes: 1 });
  expect(await verifyPassword("sluice-demo", hash)).toBe(true);
});

test.each([
  ["a plain password", "sluice-demo"],
  ["another algorithm", `$argon2i$v=19$m=19456,t=2,p=1$${SALT}$${TAG}`],
  ["an older version", `$argon2id$v=16$m=19456,t=2,p=1$${SALT}$${TAG}`],
  ["a short salt", `$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$${TAG}`],
  ["a short tag", `$argon2id$v=19$m=19456,t=2,p=1$${SALT}$c2hvcnQ`],
  ["more than a gigabyte", `$argon2id$v=19$m=1048577,t=2,p=1$${SALT}$${TAG}`],
  ["too many passes", `$argon2id$v=19$m=19456,t=17,p=1$${SALT}$${TAG}`],
  ["no lanes", `$argon2id$v=19$m=19456,t=2,p=0$${SALT}$${TAG}`],
  ["less memory than its lanes need", `$argon2id$v=19$m=15,t=2,p=2$${SALT}$${TAG}`],
  ["a line end", `$argon2id$v=19$m=19456,t=2,p=1$${SALT}$${TAG}\n`],
])("%s is not a hash we take", (_what, text) => {
  expect(parsePasswordHash(text)).toBeUndefined();
});

describe("a password that can be typed in several ways", () => {
  const composed = "Gr\u00fc\u00dfe an alle";
  const decomposed = "Gru\u0308\u00dfe\u00a0an alle";

  test("is one, however its letters and spaces came", async () => {
    const hash = parsePasswordHash(await hashPassword(decomposed))!;
    expect(await verifyPassword(composed, hash)).toBe(true);
    expect(await verifyPassword(decomposed, hash)).toBe(true);
  });

  test("still fits a hash of what was typed, which earlier releases made", async () => {
    const typed = "old\tpa\u0308ss";
    const salt = Buffer.alloc(16, "salt");
    const cost = { memoryKiB: 64, passes: 1, lanes: 1 };
    const options = { message: typed, nonce: salt, memory: 64, passes: 1, parallelism: 1, tagLength: 32 };
    const hash = { ...cost, salt, tag: argon2Sync("argon2id", options) };
    expect(await verifyPassword(typed, hash)).toBe(true);
    expect(await verifyPassword(typed.normalize("NFC"), hash)).toBe(false);
  });

  test("cannot be empty, nor have control characters", async () => {
    await expect(hashPassword("a\tb")).rejects.toMatchObject({ code: "malformed_request" });
  });
});
