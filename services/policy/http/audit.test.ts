import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readAudit } from "#test/support/start-auth.ts";
import { ACME_DOCUMENT, type PolicyStack, startPolicyStack } from "#test/support/start-policy.ts";
import { waitFor } from "#test/support/wait.ts";

describe("the audit trail of policy", () => {
  let stack: PolicyStack;
  beforeAll(async () => void (stack = await startPolicyStack()));
  afterAll(() => stack[Symbol.asyncDispose]());

  it("has every change by the time it is answered: who, what, from where, between which versions", async () => {
    const { call, as, nats } = stack;
    await call("PUT", "/v1/tenants/acme");
    await call("PUT", "/v1/tenants/acme/policy", ACME_DOCUMENT);
    await call("PUT", "/v1/tenants/acme/subjects/bob/roles", { roles: ["viewer"] }, await as("carol"));
    await call("POST", "/v1/tenants/acme/policy/rollback", { version: 2 });
    await call("POST", "/v1/tenants/acme/policy/rollback", { version: 1 });
    await call("PUT", "/v1/tenants/acme/limits", { connections: 5 });
    await call("POST", "/v1/tenants/acme/suspend");
    const address = "127.0.0.1";
    const by = "operator";
    const [made, ...others] = await readAudit(nats, "acme");
    expect(made).toMatchObject({ event: "tenant_changed", change: "made", by, address, after: 1 });
    expect(others).toMatchObject([
      { event: "policy_changed", change: "document", by, address, before: 1, after: 2 },
      { event: "policy_changed", change: "bindings", by: "subject:carol", address, before: 2, after: 3 },
      { event: "policy_changed", change: "rollback", why: "back to version 1", before: 3, after: 4 },
      { event: "tenant_changed", change: "limits", by, before: 4, after: 5 },
      { event: "tenant_changed", change: "state", why: "the tenant is suspended", before: 5, after: 6 },
    ]);
    expect(others.every(({ at }) => /^20\d\d-/.test(at ?? ""))).toBe(true);
  });

  it("has no document, nothing that changed nothing, and nothing that was refused", async () => {
    const { call, as, nats } = stack;
    const before = await readAudit(nats, "acme");
    expect(JSON.stringify(before)).not.toContain("halfAdmin");
    await call("PUT", "/v1/tenants/acme");
    await call("POST", "/v1/tenants/acme/suspend");
    await call("PUT", "/v1/tenants/acme/policy", "tenant: x");
    await call("POST", "/v1/tenants/acme/resume", undefined, await as("carol"));
    expect(await readAudit(nats, "acme")).toEqual(before);
  });

  it("names the file of a document that came from one", async () => {
    await writeFile(join(stack.documents, "filed.yaml"), "tenant: filed\n");
    const entries = await waitFor("the file's change is there", async () => {
      const found = await readAudit(stack.nats, "filed");
      return found.length === 2 && found;
    });
    expect(entries).toMatchObject([
      { change: "made", by: "file" },
      { change: "document", by: "file", why: "filed.yaml changed", before: 1, after: 2 },
    ]);
    expect(entries.some((entry) => "address" in entry)).toBe(false);
  });
});
