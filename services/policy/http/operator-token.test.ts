import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLogger } from "#shared/log/create-logger.ts";
import { waitFor } from "#test/support/wait.ts";
import { openOperatorToken } from "./operator-token.ts";

const log = createLogger("test", "silent");

describe("the operator's token", () => {
  let directory: string;
  let path: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "sluice-operator-"));
    path = join(directory, "token");
  });
  afterAll(() => rm(directory, { recursive: true }));

  it("is the environment's, or nobody's", async () => {
    using given = await openOperatorToken({ POLICY_OPERATOR_TOKEN: "an-operator-token" }, log);
    expect(given.value).toBe("an-operator-token");
    using none = await openOperatorToken({}, log);
    expect(none.value).toBeUndefined();
  });

  it("of a file follows the file, and a broken file changes nothing", async () => {
    await writeFile(path, "the-first-token-there-is\n");
    using token = await openOperatorToken({ POLICY_OPERATOR_TOKEN_FILE: path }, log);
    expect(token.value).toBe("the-first-token-there-is");
    await writeFile(path, "short");
    await writeFile(path, "the-second-token-there-is\n");
    await waitFor("the second token counts", () => token.value === "the-second-token-there-is");
  });

  it("is never two, nor one that is missing or weak", async () => {
    const both = { POLICY_OPERATOR_TOKEN: "an-operator-token", POLICY_OPERATOR_TOKEN_FILE: path };
    await expect(openOperatorToken(both, log)).rejects.toThrow("not both");
    const missing = { POLICY_OPERATOR_TOKEN_FILE: join(directory, "missing") };
    await expect(openOperatorToken(missing, log)).rejects.toThrow("cannot be read");
    await writeFile(path, "short");
    await expect(openOperatorToken({ POLICY_OPERATOR_TOKEN_FILE: path }, log)).rejects.toThrow("at least 16");
  });
});
