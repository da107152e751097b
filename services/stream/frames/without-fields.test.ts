import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeName } from "#shared/protocol/encode-name.ts";
import { compileMasks } from "./field-mask.ts";
import { withoutFields } from "./without-fields.ts";

describe("a masked text", () => {
  test.each([
    ["a field", ["secret"], '{"id":1,"secret":2}', '{"id":1}'],
    ["the first field, and its comma", ["id"], '{ "id" : 1 , "b":2, "c":3}', '{ "b":2, "c":3}'],
    ["every field", ["*"], '{"a":1,"b":{"c":2},"d":[3]}', "{}"],
    ["a field of a field", ["customer.email"], '{"customer":{"email":"x","id":7}}', '{"customer":{"id":7}}'],
    ["a field under any name", ["*.price"], '{"a":{"price":1},"b":{"price":2,"n":3}}', '{"a":{},"b":{"n":3}}'],
    ["a field of each element", ["lines.price"], '{"lines":[{"price":1},{"n":2,"price":3}]}', '{"lines":[{},{"n":2}]}'],
    ["a field within arrays of arrays", ["a"], '[[{"a":1,"b":2}],[]]', '[[{"b":2}],[]]'],
    ["a field with all that is in it", ["a"], '{"a":{"b":[1,{"c":"}]"}]},"d":4}', '{"d":4}'],
    ["a field that stands there twice", ["a"], '{"a":1,"b":2,"a":3}', '{"b":2}'],
    ["a field whose name is spelled with escapes", ["secret"], String.raw`{"s\u0065cret":1,"b":2}`, '{"b":2}'],
    ["a field whose name is in another normal form", [encodeName("é")], '{"e\u0301":1,"b":2}', '{"b":2}'],
    ["a field with a quote in its name", [encodeName('a"b')], String.raw`{"a\"b":1,"c":"\\"}`, String.raw`{"c":"\\"}`],
    ["a field with a dot in its name", ["a%2Eb"], '{"a.b":1,"a":{"b":2}}', '{"a":{"b":2}}'],
  ])("has not %s", (_what, mask, text, expected) => {
    expect(masked(text, [mask])).toBe(expected);
  });

  test.each([
    ["a field of the same name elsewhere", ["a.b"], '{"b":1,"c":{"b":2}}'],
    ["a text that looks like a field", ["a"], String.raw`{"b":"{\"a\":1}","c":["a",":",1]}`],
    ["the digits of a large number", ["x"], '{"n":12345678901234567890.10,"x1":1e400}'],
    ["a name in other letters", ["Secret"], '{"secret":1}'],
    ["a text without fields", ["a"], '"a"'],
    ["a number", ["a"], " 1.50 "],
  ])("keeps %s as it is", (_what, mask, text) => {
    expect(masked(text, [mask])).toBe(text);
  });

  test("of several masks has what one of them shows", () => {
    const text = '{"a":{"x":1,"y":2},"b":3,"c":4}';
    expect(masked(text, [["a", "b"], ["a.x"]])).toBe('{"a":{"y":2},"b":3,"c":4}');
    expect(masked(text, [["a", "b"], ["c"]])).toBe(text);
    expect(masked(text, [["a.*"], ["a"], ["a.x", "a.y", "b"]])).toBe('{"a":{},"b":3,"c":4}');
  });

  test("may be nested as deep as it is long", () => {
    const depth = 200_000;
    const text = `${'{"a":['.repeat(depth)}{"s":1}${"]}".repeat(depth)}`;
    expect(masked(text, [["a.s"]])).toBe(text);
    const arrays = `${"[".repeat(depth)}{"s":1}${"]".repeat(depth)}`;
    expect(masked(arrays, [["s"]])).toBe(arrays.replace('"s":1', ""));
  });

  test("is what is left when the fields are removed from what it stands for", () => {
    const names = fc.constantFrom("a", "b", "é", 'q"', "", "__proto__");
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, true, -1.5e-7, "", '{"a":1}', "\\"),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.uniqueArray(fc.tuple(names, tie("value")), { maxLength: 4, selector: ([name]) => name }).map(objectOf),
      ),
    })).value;
    const token = fc.oneof(fc.constant("*"), names.filter((name) => name !== "").map(encodeName));
    const mask = fc.array(fc.array(token, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 });
    const spaces = fc.constantFrom(undefined, 1, "\t");
    fc.assert(
      fc.property(value, fc.array(mask, { minLength: 1, maxLength: 3 }), spaces, (given, masks, space) => {
        const text = JSON.stringify(given, undefined, space);
        const paths = masks.map((each) => each.map((tokens) => tokens.join(".")));
        expect(JSON.parse(masked(text, paths))).toEqual(
          remove(
            JSON.parse(text),
            masks.map((each) => each),
          ),
        );
      }),
      { numRuns: 500 },
    );
  });
});

test("masks that hide the same have the same key, whatever residual they come from", () => {
  const [one, other] = [compileMasks([["a"], ["b", "c"]]), compileMasks([["b", "c"], ["a"], ["d"]])];
  expect(one(0b01).key).toBe(other(0b10).key);
  expect(one(0b11).key).toBe(other(0b011).key);
  expect(one(0b11).key).not.toBe(one(0b10).key);
  expect(one(0b01)).toBe(one(0b01));
});

function masked(text: string, masks: ReadonlyArray<readonly string[]>): string {
  const all = 2 ** masks.length - 1;
  return withoutFields(Buffer.from(text), compileMasks(masks)(all)).toString();
}

function objectOf(entries: ReadonlyArray<readonly [string, unknown]>): object {
  return Object.fromEntries(entries);
}

/** The same by the other way: each field is looked for in each mask. */
function remove(
  value: unknown,
  masks: ReadonlyArray<ReadonlyArray<readonly string[]>>,
  at: readonly string[] = [],
): unknown {
  if (Array.isArray(value)) return value.map((each) => remove(each, masks, at));
  if (typeof value !== "object" || value === null) return value;
  const left = Object.entries(value).filter(
    ([name]) => !masks.every((mask) => mask.some((path) => hides(path, [...at, encodeName(name)]))),
  );
  return Object.fromEntries(left.map(([name, each]) => [name, remove(each, masks, [...at, encodeName(name)])]));
}

function hides(path: readonly string[], at: readonly string[]): boolean {
  return path.length <= at.length && path.every((token, index) => token === "*" || token === at[index]);
}
