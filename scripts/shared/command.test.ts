import { expect, test } from "vitest";
import { sluice } from "#test/support/run-sluice.ts";

const DEMO = "infra/policies/demo.yaml";
const results = async (args: readonly string[]): Promise<unknown[]> => {
  const { code, out } = await sluice([...args, "--json"]);
  expect(code).toBe(0);
  return out.map((line) => JSON.parse(line) as unknown);
};

test("with --json each result is a line of JSON", async () => {
  expect(await results(["encode", "jane@acme.com"])).toEqual([{ name: "jane@acme.com", encoded: "jane%40acme%2Ecom" }]);
  expect(await results(["bus", "list", "--dir", "infra/nats"])).toEqual(
    expect.arrayContaining([
      { tenant: "demo", keys: [] },
      { tenant: "rival", keys: [] },
    ]),
  );
  expect(await results(["policy", "lint", DEMO])).toEqual([{ files: 1, errors: 0, warnings: 0 }]);
  expect(await results(["policy", "diff", DEMO, DEMO])).toEqual([{ differences: 0 }]);
  const asked = ["policy", "explain", "alice", "--file", DEMO, "--topic", "push.event.Hello-World"];
  expect(await results(asked)).toEqual([expect.objectContaining({ allow: false, permission: "push:read" })]);
});
