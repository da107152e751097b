import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rawItems, rawMembers } from "./raw-members.ts";

describe("the texts in a JSON text", () => {
  test("stand there as they were written, digits, spaces and escapes", () => {
    const text = ' { "id" : "a\\"b" ,\n"data": { "n": 12345678901234567890, "s": "}]\\\\" } , "x":1.50,"e":{} } ';
    expect([...rawMembers(text)]).toEqual([
      ["id", '"a\\"b"'],
      ["data", '{ "n": 12345678901234567890, "s": "}]\\\\" }'],
      ["x", "1.50"],
      ["e", "{}"],
    ]);
    expect(rawItems(' [ 1.0 , [2,3], "a,b" ,{"c":[]}, null]')).toEqual(["1.0", "[2,3]", '"a,b"', '{"c":[]}', "null"]);
    expect([rawItems("[]"), rawItems("[ ]"), rawMembers("{}").size]).toEqual([[], [], 0]);
  });

  test("are found by the names that JSON.parse finds, of which the last counts", () => {
    expect(rawMembers('{"d\\u0061ta":1,"data":2}').get("data")).toBe("2");
  });

  test("are what JSON.parse makes of them, whatever the text", () => {
    const spaced = fc.constantFrom(undefined, 1, "\t");
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), spaced, (value, space) => {
        const text = JSON.stringify(value, undefined, space);
        const read = [...rawMembers(text)].map(([name, raw]) => [name, JSON.parse(raw)]);
        expect(read).toEqual(Object.entries(JSON.parse(text) as object));
      }),
      { numRuns: 200 },
    );
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), spaced, (value, space) => {
        const text = JSON.stringify(value, undefined, space);
        expect(rawItems(text).map((raw) => JSON.parse(raw) as unknown)).toEqual(JSON.parse(text));
      }),
      { numRuns: 200 },
    );
  });
});
