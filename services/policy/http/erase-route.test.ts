import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACME_DOCUMENT, type PolicyStack, startPolicyStack } from "#test/support/start-policy.ts";
import { readAudit } from "#test/support/start-auth.ts";
import { readMetric } from "#test/support/read-metric.ts";

const PATH = "/v1/tenants/acme/erase";

describe("the call that erases", () => {
  let stack: PolicyStack;

  beforeAll(async () => {
    stack = await startPolicyStack();
    await stack.call("PUT", "/v1/tenants/acme");
    const eraser = `roles:\n  eraser: { allow: ["event:erase"] }`;
    const document = ACME_DOCUMENT.replace("roles:", eraser).replace(
      "bindings:",
      "bindings:\n  - { role: eraser, subjects: [dpo] }",
    );
    await stack.call("PUT", "/v1/tenants/acme/policy", document);
  });
  afterAll(() => stack[Symbol.asyncDispose]());

  it("answers how much was erased and up to where, counts it, and writes who did it and why to the audit trail", async () => {
    const answer = await stack.call(
      "POST",
      PATH,
      { subject: "order.*.42", reason: " They asked. " },
      await stack.as("dpo"),
    );
    expect([answer.status, answer.body]).toEqual([200, { through: expect.any(Number), erased: 0 }]);
    const entry = (await readAudit(stack.nats, "acme")).at(-1);
    expect(entry).toMatchObject({
      event: "events_erased",
      by: "subject:dpo",
      reason: "They asked.",
      address: "127.0.0.1",
      topics: "order.*.42",
      through: answer.body["through"],
      erased: 0,
    });
    expect(await readMetric(stack.policy, "sluice_policy_erased_events_total")).toBe(0);
  });

  it("is for the operator, and for whoever has event:erase", async () => {
    const body = { subject: "order.*.43", reason: "they asked" };
    expect((await stack.call("POST", PATH, body)).status).toBe(200);
    expect((await stack.call("POST", PATH, body, await stack.as("carol"))).status).toBe(200);
    const refused = await stack.call("POST", PATH, body, await stack.as("alice"));
    expect(refused).toMatchObject({
      status: 403,
      body: { code: "forbidden", detail: expect.stringContaining("event:erase") },
    });
    expect((await stack.call("POST", PATH, body, {})).status).toBe(401);
    expect(await stack.call("POST", "/v1/tenants/nowhere/erase", body)).toMatchObject({
      status: 404,
      body: { code: "tenant_unknown" },
    });
  });

  it.each<[object, string]>([
    [{ subject: "order.*.42" }, "malformed_request"],
    [{ subject: "order.*.42", reason: "  " }, "malformed_request"],
    [{ subject: "order.*.42", reason: "x".repeat(501) }, "malformed_request"],
    [{ reason: "they asked" }, "malformed_request"],
    [{ subject: "order.*.42", ids: ["1f00c0ffee00.1.0"], reason: "they asked" }, "malformed_request"],
    [{ subject: "order.>.42", reason: "they asked" }, "malformed_topic"],
    [{ subject: "order", reason: "they asked" }, "malformed_topic"],
    [{ ids: [], reason: "they asked" }, "malformed_request"],
    [
      { ids: Array.from({ length: 1_001 }, (_, seq) => `1f00c0ffee00.${seq}.0`), reason: "they asked" },
      "malformed_request",
    ],
  ])("refuses %j, and announces nothing", async (body, code) => {
    expect(await stack.call("POST", PATH, body)).toMatchObject({ status: 400, body: { code } });
  });

  it("takes 1 000 ids", async () => {
    const ids = Array.from({ length: 1_000 }, (_, seq) => `1f00c0ffee00.${seq + 1}.0`);
    expect(await stack.call("POST", PATH, { ids, reason: "they asked" })).toMatchObject({ status: 404 });
  });
});
