import fc from "fast-check";
import { expect, test } from "vitest";
import { escapeLines } from "./escape-lines.ts";

test("every line end of any text begins a new data line, and nothing else changes", () => {
  const text = fc.string({
    unit: fc.constantFrom("\r", "\n", "\r\n", "a", "é", "€", "😀", "data: ", "\u2028"),
    maxLength: 40,
  });
  fc.assert(
    fc.property(text, (body) => {
      expect(escapeLines(Buffer.from(body)).toString()).toBe(body.replaceAll(/\r\n|\r|\n/g, "\ndata: "));
    }),
  );
});

test("a text without line ends is not copied", () => {
  const body = Buffer.from("text");
  expect(escapeLines(body)).toBe(body);
});
