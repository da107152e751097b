import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { httpStatusOf } from "../protocol/problem-codes.ts";

test("every error code stands in the reference with its status, and no other does", async () => {
  const page = await readFile(new URL("../../../docs/reference/errors.md", import.meta.url), "utf8");
  const rows = page.matchAll(/^\| `(\w+)` +\| (\d{3}) /gm);
  expect(Object.fromEntries([...rows].map(([, code, status]) => [code, Number(status)]))).toEqual(httpStatusOf);
});
