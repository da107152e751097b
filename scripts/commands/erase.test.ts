import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sluice } from "#test/support/run-sluice.ts";
import { ACME_DOCUMENT, OPERATOR_TOKEN, type PolicyStack, startPolicyStack } from "#test/support/start-policy.ts";

describe("sluice erase", () => {
  let stack: PolicyStack;

  beforeAll(async () => {
    stack = await startPolicyStack();
    await stack.call("PUT", "/v1/tenants/acme");
    await stack.call("PUT", "/v1/tenants/acme/policy", ACME_DOCUMENT);
  });
  afterAll(() => stack[Symbol.asyncDispose]());

  const run = (args: string[], typed?: string) => {
    const env = { POLICY_URL: stack.url, POLICY_TOKEN: OPERATOR_TOKEN };
    return sluice(["erase", "acme", "--reason", "they asked", ...args], {
      env,
      stdin: typed ?? "",
      isTTY: typed !== undefined,
    });
  };
  const result = expect.stringMatching(/^erased 0 events up to sequence \d+$/);

  it("says what it will do, then how much was erased and up to where", async () => {
    const { code, out, err } = await run(["--subject", "order.*.42", "--yes"]);
    expect([code, out]).toEqual([0, [result]]);
    expect(err.join("\n")).toContain("erases all events that match order.*.42 of tenant acme for good");
  });

  it("asks for the tenant's name in a terminal, and erases nothing for another", async () => {
    expect(await run(["--subject", "order.*.42"], "acme\n")).toMatchObject({ code: 0, out: [result] });
    const refused = await run(["--subject", "order.*.42"], "yes\n");
    expect([refused.code, refused.out, refused.err.at(-1)]).toEqual([1, [], "sluice erase: nothing was erased"]);
    expect(await run(["--subject", "order.*.42"], "")).toMatchObject({ code: 1, out: [] });
  });

  it.each([
    [["--subject", "order.*.42"], "add --yes"],
    [["--yes"], "give either --subject or --id"],
    [["--yes", "--subject", "order.>.42"], "--subject takes a topic pattern"],
    [["--yes", "--subject", "order.*.42", "--id", "x"], "give either --subject or --id"],
  ])("refuses %j", async (args, message) => {
    const { code, err } = await run(args);
    expect([code, err.at(-1)]).toEqual([2, expect.stringContaining(message)]);
  });

  it("tells why policy refuses", async () => {
    const { code, err } = await run(["--yes", "--id", "1f00c0ffee00.1.0", "--id", "1f00c0ffee00.2.0"]);
    expect([code, err.at(-1)]).toEqual([1, expect.stringContaining("404 not_found")]);
  });
});
