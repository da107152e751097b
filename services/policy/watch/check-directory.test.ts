import { expect, test } from "vitest";
import { checkDirectory } from "./check-directory.ts";

test("a folder that can be read is fine, and so is none", async () => {
  expect(await checkDirectory(import.meta.dirname)).toBeUndefined();
  expect(await checkDirectory(undefined)).toBeUndefined();
});

test.each(["/nowhere/policies", import.meta.filename])("%s is no folder, and the setting is named", async (path) => {
  expect(await checkDirectory(path)).toMatch(/^POLICY_DOCUMENTS_DIR cannot be read \((ENOENT|ENOTDIR).*\)/);
});
