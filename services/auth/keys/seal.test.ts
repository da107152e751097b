import { expect, test } from "vitest";
import { createSealer } from "./seal.ts";

const sealer = createSealer(Buffer.alloc(32, 1));
/** In the words of the cipher, or ours. */
const REFUSAL = /authenticat|initialization vector|not a sealed secret/i;
const secret = Buffer.from("a private key");

test("what is sealed opens with the same key and name, and never looks the same twice", () => {
  const [one, two] = [sealer.seal("k1", secret), sealer.seal("k1", secret)];
  expect(sealer.open("k1", one)).toEqual(secret);
  expect(sealer.open("k1", two)).toEqual(secret);
  expect(one).not.toBe(two);
  expect(one).toMatch(/^v1\.[\w-]{16}\.[\w-]+$/);
});

test("it opens with no other key and under no other name", () => {
  const sealed = sealer.seal("k1", secret);
  expect(() => createSealer(Buffer.alloc(32, 2)).open("k1", sealed)).toThrow(REFUSAL);
  expect(() => sealer.open("k2", sealed)).toThrow(REFUSAL);
});

test("nothing that was changed, cut or made up opens", () => {
  const sealed = sealer.seal("k1", secret);
  const [version, iv, bytes = ""] = sealed.split(".");
  const flipped = (bytes.startsWith("A") ? "B" : "A") + bytes.slice(1);
  const wrong = ["", "v1", "v1..", `v2.${iv}.${bytes}`, `${version}.${iv}.${flipped}`, `${sealed}.x`];
  for (const text of [...wrong, `v1.${iv}.${bytes.slice(0, 8)}`, `v1.AAAA.${bytes}`]) {
    expect(() => sealer.open("k1", text)).toThrow(REFUSAL);
  }
});
