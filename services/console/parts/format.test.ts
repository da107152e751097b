import { expect, test } from "vitest";
import { visibleText } from "./format.ts";

test("what turns the direction of writing or is not seen stands as what it is", () => {
  expect(visibleText('{"to":"\u202Eecila\u202C","a\u200B":1,"\u0007":"\u{E0041}"}')).toBe(
    '{"to":"\\u202eecila\\u202c","a\\u200b":1,"\\u0007":"\\ue0041"}',
  );
});

test("lines, letters of every script and joined emoji stay as they are", () => {
  const text = '{\n\t"name": "Zoë שלום नमस्ते क्\u200Dष 👩\u200D👧"\n}';
  expect(visibleText(text)).toBe(text);
});
