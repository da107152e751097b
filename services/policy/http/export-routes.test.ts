import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACME_DOCUMENT, OPERATOR_TOKEN, type PolicyStack, startPolicyStack } from "#test/support/start-policy.ts";
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

  /** The lines of an export, the first of which is about the whole. */
  const exportOf = async (tenant = "acme", headers?: Record<string, string>) => {
    const by = headers ?? { authorization: `Bearer ${OPERATOR_TOKEN}` };
    const response = await fetch(`${stack.url}/v1/tenants/${tenant}/export`, { headers: by });
    const text = await response.text();
    const [head = {}, ...bindings] = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    return { status: response.status, headers: response.headers, text, head, bindings };
  };
  const exported = async () => (await exportOf()).text;
  const linesOf = (...lines: object[]): string => lines.map((line) => JSON.stringify(line)).join("\n");

  it("holds the document and what was set over HTTP, for administrators of the tenant", async () => {
    const { status, head, bindings, headers } = await exportOf("acme", await as("carol"));
    expect([status, headers.get("content-type")]).toEqual([200, "application/x-ndjson"]);
    expect(headers.get("etag")).toBe(`"${String(head["version"])}"`);
    expect(head).toMatchObject({ format: "sluice-policy/2", tenant: "acme", document: ACME_DOCUMENT, subjects: 2 });
    const expected = [
      { subject: "bob", roles: ["viewer"] },
      { subject: "__proto__", roles: [] },
    ];
    expect(bindings).toHaveLength(2);
    expect(bindings).toEqual(expect.arrayContaining(expected));
    expect((await call("GET", "/v1/tenants/acme/export", undefined, await as("alice"))).status).toBe(403);
    expect((await call("GET", "/v1/tenants/nowhere/export")).body["code"]).toBe("tenant_unknown");
  });

  it("comes back as it was, under one new version", async () => {
    const before = await exportOf();
    await call("PUT", "/v1/tenants/acme/policy", "tenant: acme\n");
    await call("DELETE", "/v1/tenants/acme/subjects/bob/roles");
    const { body } = await call("PUT", "/v1/tenants/acme/import", before.text);
    expect(body).toEqual({ version: (before.head["version"] as number) + 3 });
    const after = await exportOf();
    expect(after.head).toEqual({ ...before.head, version: body["version"], at: expect.any(String) });
    expect(after.bindings).toEqual(before.bindings);
    expect(await call("PUT", "/v1/tenants/acme/import", before.text)).toMatchObject({ status: 200, body });
    expect((await call("GET", "/v1/tenants/acme/policy")).body).toMatchObject({
      why: `an export of version ${String(before.head["version"])} was imported`,
    });
  });

  it("of an earlier release, one JSON value, is taken too", async () => {
    const { head, bindings } = await exportOf();
    const { subjects: _, ...earlier } = head;
    const body = JSON.stringify({ ...earlier, format: "sluice-policy/1", bindings }, null, 2);
    expect(await call("PUT", "/v1/tenants/acme/import", body)).toMatchObject({ status: 200 });
    expect((await exportOf()).bindings).toEqual(bindings);
    const twice = { ...earlier, format: "sluice-policy/1", bindings: [...bindings, ...bindings] };
    expect(await call("PUT", "/v1/tenants/acme/import", twice)).toMatchObject({ status: 400 });
  });

  it("has roles in order and once, as the calls on subjects keep them", async () => {
    const before = await exportOf();
    const bound = { subject: "bob", roles: ["viewer", "admin", "viewer"] };
    await call("PUT", "/v1/tenants/acme/import", linesOf({ ...before.head, subjects: 1 }, bound));
    expect((await exportOf()).bindings).toEqual([{ subject: "bob", roles: ["admin", "viewer"] }]);
    await call("PUT", "/v1/tenants/acme/import", before.text);
  });

  it("is taken in only from the version that the sender has seen", async () => {
    const before = await exportOf();
    const stale = { ...(await as("carol")), "if-match": '"1"' };
    const other = linesOf({ ...before.head, subjects: 1 }, { subject: "zoe", roles: ["viewer"] });
    expect(await call("PUT", "/v1/tenants/acme/import", other, stale)).toMatchObject({
      status: 412,
      body: { code: "version_conflict" },
    });
    expect(await call("PUT", "/v1/tenants/acme/import", before.text, stale)).toMatchObject({
      status: 200,
      body: { version: before.head["version"] },
    });
  });

  it("of another tenant is refused, whether or not its document tells", async () => {
    const { head, bindings } = await exportOf();
    expect(await call("PUT", "/v1/tenants/rival/import", await exported())).toMatchObject({
      status: 400,
      body: { detail: "this is the export of tenant acme, not of rival" },
    });
    const text = linesOf({ ...head, tenant: "rival" }, ...bindings);
    const renamed = await call("PUT", "/v1/tenants/rival/import", text);
    expect(renamed).toMatchObject({ status: 422, body: { code: "document_invalid" } });
    expect((await call("GET", "/v1/tenants/rival/policy")).body["version"]).toBe(1);
  });

  const bound = (subject: string, roles: string[] = []) => ({ subject, roles });
  it.each([
    ["of another format", { format: "sluice-policy/3" }, [], /^"format"/],
    ["with what is not known", { extra: 1 }, [], /^line 1: /],
    ["without a document", { document: undefined }, [], /^line 1: "document"/],
    ["with a subject that is no name", { subjects: 1 }, [bound("a\u0000b")], /^line 2: "subject"/],
    ["with a subject twice", { subjects: 2 }, [bound("a"), bound("a")], /^line 3: .* twice/],
    ["with a role that is no name", { subjects: 1 }, [bound("a", ["é".repeat(129)])], /^line 2: "roles.0"/],
    ["that is cut off", { subjects: 2 }, [bound("a")], /^line 1 says that there are 2 subjects, and 1 follow/],
  ])("is refused %s", async (_, change, bindings, reason) => {
    const { head } = await exportOf();
    const text = linesOf({ ...head, subjects: 0, ...change }, ...bindings);
    const { body } = await call("PUT", "/v1/tenants/acme/import", text);
    expect(body).toMatchObject({ code: "malformed_request", detail: expect.stringMatching(reason) });
  });

  it("is refused before it is read to its end, and what comes next is answered", async () => {
    const { head } = await exportOf();
    const rest = `${JSON.stringify(bound("a"))}\n`.repeat(200_000);
    for (const first of [
      { ...head, subjects: 100_001 },
      { ...head, version: 0 },
    ]) {
      const { status } = await call("PUT", "/v1/tenants/acme/import", `${JSON.stringify(first)}\n${rest}`);
      expect([400, 422]).toContain(status);
      expect((await exportOf()).status).toBe(200);
    }
  });

  it("is refused with every fault of its document", async () => {
    const document = "tenant: acme\nroles: { a: { inherits: [b] } }\nx: 1\n";
    const text = linesOf({ ...(await exportOf()).head, subjects: 0, document });
    const { body: problem } = await call("PUT", "/v1/tenants/acme/import", text);
    expect(problem["detail"]).toMatch(/2 faults:\nline 2, .*\nline 3, /);
  });

  it("does not replace a document that comes from a file", async () => {
    const text = "tenant: filed\nroles: { viewer: {} }\n";
    await writeFile(join(stack.documents, "filed.yaml"), text);
    const body = await waitFor("the file is in force", async () => {
      const answer = await exportOf("filed");
      return answer.head["document"] === text && answer.text;
    });
    expect(await call("PUT", "/v1/tenants/filed/import", body)).toMatchObject({
      status: 409,
      body: { code: "document_from_file" },
    });
  });
});
