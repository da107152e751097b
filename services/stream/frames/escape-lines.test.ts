import fc from "fast-check";
import { expect, test } from "vitest";
import { countLines, writeLines } from "./escape-lines.ts";

test("every line end of any text begins a new data line, and nothing else changes", () => {
  const text = fc.string({
    unit: fc.constantFrom("\r", "\n", "\r\n", "a", "é", "€", "😀", "data: ", "\u2028"),
    maxLength: 40,
  });
  fc.assert(
    fc.property(text, (body) => {
      const lines = countLines(Buffer.from(body));
      const written = Buffer.from(`<${" ".repeat(lines.body.length + lines.growth)}>`);
      writeLines(written, 1, lines);
      expect(written.toString()).toBe(`<${body.replaceAll(/\r\n|\r|\n/g, "\ndata: ")}>`);
    }),
  );
});
