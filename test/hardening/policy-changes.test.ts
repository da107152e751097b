import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readMetric } from "#test/support/read-metric.ts";
import { type PolicyAnswer, type PolicyStack, startPolicyStack } from "#test/support/start-policy.ts";

const BURST = 6;

/** A legal document that takes several times the deadline of this test to read. */
const LARGE = {
  roles: { r: {} },
  bindings: Array.from({ length: 20_000 }, (_, index) => ({ role: "r", subjects: [`s${index}`] })),
};

describe("the changes of one tenant", () => {
  let stack: PolicyStack;
  const change = (tenant: string, method: string, path: string, body?: unknown): Promise<PolicyAnswer> =>
    stack.call(method, `/v1/tenants/${tenant}${path}`, body);
  const put = (tenant: string, document: object): Promise<PolicyAnswer> =>
    change(tenant, "PUT", "/policy", JSON.stringify({ tenant, ...document }));
  const bind = (tenant: string, subject: string, roles: string[]): Promise<PolicyAnswer> =>
    change(tenant, "PUT", `/subjects/${subject}/roles`, { roles });
  const newTenant = async (tenant: string): Promise<void> => {
    await change(tenant, "PUT", "");
    expect((await put(tenant, { roles: { r: {} } })).status).toBe(200);
  };

  beforeAll(async () => {
    stack = await startPolicyStack({
      POLICY_DOCUMENT_DEADLINE_MS: "150",
      POLICY_CHANGES_PER_SECOND: "1",
      POLICY_CHANGES_BURST: String(BURST),
    });
  });
  afterAll(() => stack[Symbol.asyncDispose]());

  it("may have a document that takes too long: it is given up with the reason, and what was in force stays", async () => {
    await newTenant("large");
    await newTenant("neighbour");
    const given = put("large", LARGE);
    expect((await put("neighbour", { roles: { r: {}, other: {} } })).status).toBe(200);
    expect((await bind("neighbour", "ann", ["other"])).status).toBe(200);
    const { status, body } = await given;
    expect([status, body["code"]]).toEqual([422, "document_invalid"]);
    expect(body["detail"]).toMatch(/given up, because it took more than 0.15 s to read.*give it fewer rules/s);
    const { body: policy } = await change("large", "GET", "/policy");
    expect(policy["version"]).toBe(2);
    expect((await bind("large", "ann", ["r"])).status).toBe(200);
    expect(await readMetric(stack.policy, "sluice_policy_documents_compiled_total")).toBeGreaterThan(0);
  });

  it("past its budget are refused with the time to come back, but for those that take rights away", async () => {
    await newTenant("busy");
    await newTenant("calm");
    let answer = await bind("busy", "s0", ["r"]);
    for (let made = 1; answer.status === 200 && made < 10 * BURST; made += 1)
      answer = await bind("busy", `s${made}`, ["r"]);
    expect([answer.status, answer.body["code"]]).toEqual([429, "too_many_changes"]);
    expect(answer.headers.get("retry-after")).toBe("1");
    expect((await bind("calm", "s0", ["r"])).status).toBe(200);
    expect((await bind("busy", "s0", [])).status).toBe(200);
    expect((await change("busy", "DELETE", "/subjects/s1/roles")).status).toBe(200);
    expect((await change("busy", "POST", "/suspend")).status).toBe(200);
    expect(await readMetric(stack.policy, "sluice_policy_changes_refused_total")).toBeGreaterThan(0);
  });
});
