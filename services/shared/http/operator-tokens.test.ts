import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLogger } from "#shared/log/create-logger.ts";
import { waitFor } from "#test/support/wait.ts";
import { openOperatorTokens } from "./operator-tokens.ts";

const log = createLogger("test", "silent");

describe("the operators' tokens", () => {
  let directory: string;
  let path: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "sluice-operator-"));
    path = join(directory, "token");
  });
  afterAll(() => rm(directory, { recursive: true }));

  const open = (settings: object) => openOperatorTokens(settings, log);

  it("are the environment's, or nobody's", async () => {
    await using given = await open({ POLICY_OPERATOR_TOKEN: "an-operator-token" });
    expect(given.operatorOf("an-operator-token")).toBe("operator");
    for (const wrong of ["an-operator-tokem", "an-operator-token ", "", "x"]) {
      expect(given.operatorOf(wrong)).toBeUndefined();
    }
    await using none = await open({});
    expect(none.operatorOf("an-operator-token")).toBeUndefined();
  });

  it("are several in a file, each with a name or none, beside that of the environment", async () => {
    await writeFile(
      path,
      "# rota\n\nann: the-token-of-ann-alone\nthe-token-without-a-name\r\nci-1:  the-token-of-the-ci-jobs\n",
    );
    await using both = await open({ POLICY_OPERATOR_TOKEN: "an-operator-token", POLICY_OPERATOR_TOKEN_FILE: path });
    expect(both.operatorOf("the-token-of-ann-alone")).toBe("operator:ann");
    expect(both.operatorOf("the-token-of-the-ci-jobs")).toBe("operator:ci-1");
    expect(both.operatorOf("the-token-without-a-name")).toBe("operator");
    expect(both.operatorOf("an-operator-token")).toBe("operator");
    expect(both.operatorOf("ann: the-token-of-ann-alone")).toBeUndefined();
  });

  it("follow the file: a second token is good before the first one goes, and a broken file changes nothing", async () => {
    const [first, second] = ["the-first-token-there-is", "the-second-token-there-is"];
    await writeFile(path, `ann: ${first}\n`);
    await using tokens = await open({ POLICY_OPERATOR_TOKEN_FILE: path });
    await writeFile(path, `ann: ${first}\nann: ${second}\n`);
    await waitFor("the second token counts", () => tokens.operatorOf(second) === "operator:ann");
    expect(tokens.operatorOf(first)).toBe("operator:ann");
    await writeFile(path, "ann: short\n");
    await writeFile(path, `ann: ${second}\n`);
    await waitFor("the first token is gone", () => tokens.operatorOf(first) === undefined);
    expect(tokens.operatorOf(second)).toBe("operator:ann");
  });

  it("are never missing, weak or malformed, and what is wrong quotes no token", async () => {
    const missing = { POLICY_OPERATOR_TOKEN_FILE: join(directory, "missing") };
    await expect(open(missing)).rejects.toThrow("cannot be read");
    for (const [text, fault] of [
      ["short", /line 1.*at least 16/],
      ["ann: a-token-that-is-good\nbob: s3cret\n", /^(?!.*s3cret).*line 2.*at least 16/],
      ["a name: a-token-that-is-good", /line 1/],
      ["# nobody\n", /no token/],
      ["a-token-that-is-good\n".repeat(65), /more than 64/],
    ] as const) {
      await writeFile(path, text);
      await expect(open({ POLICY_OPERATOR_TOKEN_FILE: path })).rejects.toThrow(fault);
    }
  });
});
