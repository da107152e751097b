import { expect, test } from "vitest";
import { isFreeName } from "./names.ts";

test.each([
  "alice",
  "auth0|64a0f1c2",
  "jane.doe@acme.example",
  "system:serviceaccount:prod:builder",
  "/ops/on call",
  "100%",
  "Zoë",
  "山田",
  "👩‍💻",
  "é".repeat(128),
])("%s is a free name", (name) => expect(isFreeName(name)).toBe(true));

test.each([
  ["empty", ""],
  ["longer than 256 bytes", "é".repeat(129)],
  ["longer than 256 characters", "a".repeat(257)],
  ["not in normal form C", "Zoe\u0308"],
  ["half of a surrogate pair", "a\uD800"],
  ["a line end", "a\nb"],
  ["a NUL", "a\u0000"],
  ["a C1 control character", "a\u0085"],
])("a text that is %s is no free name", (_what, name) => expect(isFreeName(name)).toBe(false));
