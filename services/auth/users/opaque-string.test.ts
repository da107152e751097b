import { expect, test } from "vitest";
import { toOpaqueString } from "./opaque-string.ts";

test.each([
  ["plain text stays", "correct horse battery staple", "correct horse battery staple"],
  ["letters are composed", "Pa\u0308sswort", "P\u00e4sswort"],
  ["a compatibility form is kept apart", "\ufb01", "\ufb01"],
  ["case is kept", "Correct Horse", "Correct Horse"],
  ["other spaces are the ASCII space", "a\u00a0b\u1680c\u3000d", "a b c d"],
  ["right to left is allowed", "\u05d0\u05d1\u05d2", "\u05d0\u05d1\u05d2"],
  ["an emoji is allowed", "\u2764\ufe0f", "\u2764\ufe0f"],
])("%s", (_what, typed, form) => {
  expect(toOpaqueString(typed)).toBe(form);
});

test.each(["", "a\tb", "a\nb", "a\u0000", "\u007f", "\u0085", "\ud83d"])("%j is no password", (typed) => {
  expect(toOpaqueString(typed)).toBeUndefined();
});
