import { expect, test } from "vitest";
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
