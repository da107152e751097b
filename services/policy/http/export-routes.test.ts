import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACME_DOCUMENT, type PolicyStack, startPolicyStack } from "#test/support/start-policy.ts";
import { waitFor } from "#test/support/wait.ts";

describe("a tenant's policy as one value", () => {
  let stack: PolicyStack;
  let call: PolicyStack["call"];
  let as: PolicyStack["as"];

  beforeAll(async () => {
    stack = await startPolicyStack();
    ({ call, as } = stack);
    await call("PUT", "/v1/tenants/acme");
    await call("PUT", "/v1/tenants/acme/policy", ACME_DOCUMENT);
    await call("PUT", "/v1/tenants/acme/subjects/bob/roles", { roles: ["viewer"] });
    await call("PUT", "/v1/tenants/acme/subjects/__proto__/roles", { roles: [] });
    await call("PUT", "/v1/tenants/rival");
  });
  afterAll(() => stack[Symbol.asyncDispose]());

  const exported = async () => (await call("GET", "/v1/tenants/acme/export")).body;

  it("holds the document and what was set over HTTP, for administrators of the tenant", async () => {
    const { status, body, headers } = await call("GET", "/v1/tenants/acme/export", undefined, await as("carol"));
    expect([status, headers.get("etag")]).toEqual([200, `"${String(body["version"])}"`]);
    expect(body).toMatchObject({
      format: "sluice-policy/1",
      tenant: "acme",
      document: ACME_DOCUMENT,
      bindings: expect.arrayContaining([
        { subject: "bob", roles: ["viewer"] },
        { subject: "__proto__", roles: [] },
      ]),
    });
    expect((await call("GET", "/v1/tenants/acme/export", undefined, await as("alice"))).status).toBe(403);
    expect((await call("GET", "/v1/tenants/nowhere/export")).body["code"]).toBe("tenant_unknown");
  });

  it("comes back as it was, under one new version", async () => {
    const before = await exported();
    await call("PUT", "/v1/tenants/acme/policy", "tenant: acme\n");
    await call("DELETE", "/v1/tenants/acme/subjects/bob/roles");
    const { body } = await call("PUT", "/v1/tenants/acme/import", before);
    expect(body).toEqual({ version: (before["version"] as number) + 3 });
    expect(await exported()).toEqual({ ...before, version: body["version"], at: expect.any(String) });
    expect(await call("PUT", "/v1/tenants/acme/import", before)).toMatchObject({ status: 200, body });
    expect((await call("GET", "/v1/tenants/acme/policy")).body).toMatchObject({
      why: `an export of version ${String(before["version"])} was imported`,
    });
  });

  it("has roles in order and once, as the calls on subjects keep them", async () => {
    const before = await exported();
    const bindings = [{ subject: "bob", roles: ["viewer", "admin", "viewer"] }];
    await call("PUT", "/v1/tenants/acme/import", { ...before, bindings });
    expect((await exported())["bindings"]).toEqual([{ subject: "bob", roles: ["admin", "viewer"] }]);
    await call("PUT", "/v1/tenants/acme/import", before);
  });

  it("is taken in only from the version that the sender has seen", async () => {
    const before = await exported();
    const stale = { ...(await as("carol")), "if-match": '"1"' };
    const other = { ...before, bindings: [{ subject: "zoe", roles: ["viewer"] }] };
    expect(await call("PUT", "/v1/tenants/acme/import", other, stale)).toMatchObject({
      status: 412,
      body: { code: "version_conflict" },
    });
    expect(await call("PUT", "/v1/tenants/acme/import", before, stale)).toMatchObject({
      status: 200,
      body: { version: before["version"] },
    });
  });

  it("of another tenant is refused, whether or not its document tells", async () => {
    const before = await exported();
    expect(await call("PUT", "/v1/tenants/rival/import", before)).toMatchObject({
      status: 400,
      body: { detail: "this is the export of tenant acme, not of rival" },
    });
    const renamed = await call("PUT", "/v1/tenants/rival/import", { ...before, tenant: "rival" });
    expect(renamed).toMatchObject({ status: 422, body: { code: "document_invalid" } });
    expect((await call("GET", "/v1/tenants/rival/policy")).body["version"]).toBe(1);
  });

  it.each([
    ["of another format", { format: "sluice-policy/2" }],
    ["with what is not known", { extra: 1 }],
    ["without a document", { document: undefined }],
    ["with a subject that is no name", { bindings: [{ subject: "a\nb", roles: [] }] }],
    ["with a subject twice", { bindings: ["a", "a"].map((subject) => ({ subject, roles: [] })) }],
    ["with a role that is no name", { bindings: [{ subject: "a", roles: ["é".repeat(129)] }] }],
  ])("is refused %s", async (_, change) => {
    const body = { ...(await exported()), ...change };
    expect((await call("PUT", "/v1/tenants/acme/import", body)).body["code"]).toBe("malformed_request");
  });

  it("is refused with every fault of its document", async () => {
    const body = { ...(await exported()), document: "tenant: acme\nroles: { a: { inherits: [b] } }\nx: 1\n" };
    const { body: problem } = await call("PUT", "/v1/tenants/acme/import", body);
    expect(problem["detail"]).toMatch(/2 faults:\nline 2, .*\nline 3, /);
  });

  it("does not replace a document that comes from a file", async () => {
    const text = "tenant: filed\nroles: { viewer: {} }\n";
    await writeFile(join(stack.documents, "filed.yaml"), text);
    const body = await waitFor("the file is in force", async () => {
      const answer = await call("GET", "/v1/tenants/filed/export");
      return answer.body["document"] === text && answer.body;
    });
    expect(await call("PUT", "/v1/tenants/filed/import", body)).toMatchObject({
      status: 409,
      body: { code: "document_from_file" },
    });
  });
});
