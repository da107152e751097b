import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { formatRefreshToken, parseRefreshToken } from "./refresh-token.ts";

const key = randomBytes(32);
const older = randomBytes(32);
const token = { family: "OUOEIJlO0wufeINwlW96kQ", generation: 7 };
const text = formatRefreshToken(token, key);
const mac = text.split(".")[2]!;

test("a refresh token says its family and generation", () => {
  expect(text).toMatch(/^OUOEIJlO0wufeINwlW96kQ\.7\.[A-Za-z0-9_-]{43}$/);
  expect(parseRefreshToken(text, [key])).toEqual(token);
});

test("the same token always reads the same", () => {
  expect(formatRefreshToken(token, key)).toBe(text);
});

test("a token of an older key is still good, one of a foreign key never", () => {
  expect(parseRefreshToken(formatRefreshToken(token, older), [key, older])).toEqual(token);
  expect(() => parseRefreshToken(text, [older])).toThrow(expect.objectContaining({ code: "token_invalid" }));
});

/** The last of 43 base64url characters carries four bits of six, so another one decodes to the same bytes. */
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const twin = mac.slice(0, -1) + ALPHABET[ALPHABET.indexOf(mac.at(-1)!) + 1];

test("a MAC can be written in two ways that decode to the same bytes", () => {
  expect(Buffer.from(twin, "base64url")).toEqual(Buffer.from(mac, "base64url"));
});

test.each([
  ["another generation", `OUOEIJlO0wufeINwlW96kQ.8.${mac}`],
  ["another family", `OUOEIJlO0wufeINwlW96kR.7.${mac}`],
  ["a generation with a leading zero", `OUOEIJlO0wufeINwlW96kQ.07.${mac}`],
  ["generation zero", `OUOEIJlO0wufeINwlW96kQ.0.${mac}`],
  ["a generation beyond all counting", `OUOEIJlO0wufeINwlW96kQ.9999999999.${mac}`],
  ["the other way to write the MAC", `OUOEIJlO0wufeINwlW96kQ.7.${twin}`],
  ["a padded MAC", `${text}=`],
  ["no MAC", "OUOEIJlO0wufeINwlW96kQ.7."],
  ["a wildcard for a family", `*.7.${mac}`],
  ["a line end", `${text}\n`],
  ["four parts", `${text}.x`],
  ["nothing", ""],
])("%s is refused", (_what, forged) => {
  expect(() => parseRefreshToken(forged, [key])).toThrow(expect.objectContaining({ code: "token_invalid" }));
});
