import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeName } from "./encode-name.ts";

/** As the contract says it. */
const TOKEN = /^([A-Za-z0-9_-]|%[0-9A-F]{2})*$/;

describe("a name as a token", () => {
  test.for([
    ["alice", "alice"],
    ["A-Z_09", "A-Z_09"],
    ["auth0|64a", "auth0%7C64a"],
    ["jane@acme.com", "jane%40acme%2Ecom"],
    ["a b", "a%20b"],
    ["100%", "100%25"],
    ["%41", "%2541"],
    ["*", "%2A"],
    [">", "%3E"],
    ["é", "%C3%A9"],
    ["e\u0301", "e%CC%81"],
    ["😀", "%F0%9F%98%80"],
    ["\u0000", "%00"],
    ["", ""],
  ] as const)("%j is %s", ([name, token]) => {
    expect(encodeName(name)).toBe(token);
  });

  test("is made of the contract's characters, leads back to its name, and is no other name's", () => {
    const names = fc.string({ unit: "binary" });
    fc.assert(
      fc.property(names, names, (name, other) => {
        const token = encodeName(name);
        expect(token).toMatch(TOKEN);
        expect(decodeURIComponent(token)).toBe(name);
        expect(encodeName(other) === token).toBe(other === name);
      }),
    );
  });

  test("of 256 bytes has at most 768 characters", () => {
    expect(encodeName("\u0080".repeat(128))).toHaveLength(768);
  });

  test.each(["\uD83D", "a\uDE00", "\uDE00\uD83D"])("half a surrogate pair has no token", (name) => {
    expect(() => encodeName(name)).toThrow(RangeError);
  });
});
