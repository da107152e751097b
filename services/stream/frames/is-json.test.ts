import fc from "fast-check";
import { expect, test } from "vitest";
import { isJson } from "./is-json.ts";

/** JSON with up to three changes, and texts of the characters that JSON is made of. */
const nearJson = fc
  .tuple(fc.json(), fc.array(fc.record({ at: fc.nat(60), cut: fc.nat(2), put: characters(2) }), { maxLength: 3 }))
  .map(([text, changes]) =>
    changes.reduce((changed, { at, cut, put }) => changed.slice(0, at) + put + changed.slice(at + cut), text),
  );

test.each([nearJson, characters(12), fc.json()])("what JSON.parse takes is JSON, and nothing else", (texts) => {
  fc.assert(
    fc.property(texts, (text) => {
      const bytes = Buffer.from(text);
      expect([text, isJson(bytes)]).toEqual([text, isTaken(bytes.toString())]);
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  "",
  " ",
  "nul",
  "nulll",
  "\uFEFF1",
  "1 2",
  "[1,]",
  "{,}",
  "[",
  "]",
  "{}}",
  "tru",
  '"\\u12"',
  "01",
  "-",
  "1.",
  ".1",
  "+1",
])("%j is not JSON", (text) => expect(isJson(Buffer.from(text))).toBe(false));

test("JSON may be as deep as it likes", () => {
  expect(isJson(Buffer.from(`${"[".repeat(100_000)}${"]".repeat(100_000)}`))).toBe(true);
  expect(isJson(Buffer.from(`${"[".repeat(100_000)}${"]".repeat(99_999)}`))).toBe(false);
});

function characters(maxLength: number): fc.Arbitrary<string> {
  const unit = fc.constantFrom(...'{}[]":,\\/u0123-+.eEtruefalsn \n\t\u0001\u2028é😀'.split(""));
  return fc.string({ unit, maxLength });
}

function isTaken(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
