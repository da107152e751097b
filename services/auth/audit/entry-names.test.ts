import { expect, test } from "vitest";
import { createEntryNames } from "./entry-names.ts";

const names = createEntryNames(Buffer.alloc(32, 1));

test("an entry's name is the same each time, its own, and read again for its tenant alone", () => {
  const all = Array.from({ length: 1_000 }, (_, sequence) => names.nameOf("acme", sequence));
  expect(new Set(all).size).toBe(1_000);
  expect(all.map((name) => names.sequenceOf("acme", name))).toEqual(all.map((_, sequence) => sequence));
  expect(names.nameOf("acme", 7)).toBe(all[7]);
  expect(names.sequenceOf("rival", all[7] ?? "")).toBeUndefined();
  expect(names.nameOf("rival", 7)).not.toBe(all[7]);
  expect(names.nameOf("acme", Number.MAX_SAFE_INTEGER)).toMatch(/^[\w-]{22}$/);
});

test("what is no name, or was made with another key, is none", () => {
  const other = createEntryNames(Buffer.alloc(32, 2)).nameOf("acme", 7);
  for (const name of ["", "7", "A".repeat(22), `${names.nameOf("acme", 7)}A`, other])
    expect(names.sequenceOf("acme", name)).toBeUndefined();
});
