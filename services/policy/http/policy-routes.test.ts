import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACME_DOCUMENT, type PolicyStack, startPolicyStack } from "#test/support/start-policy.ts";
import { waitFor } from "#test/support/wait.ts";

describe("tenants and their policies over HTTP", () => {
  let stack: PolicyStack;
  let call: PolicyStack["call"];
  let as: PolicyStack["as"];

  beforeAll(async () => {
    stack = await startPolicyStack();
    ({ call, as } = stack);
    await call("PUT", "/v1/tenants/acme");
    await call("PUT", "/v1/tenants/acme/policy", ACME_DOCUMENT);
    await call("PUT", "/v1/tenants/rival");
  });
  afterAll(() => stack[Symbol.asyncDispose]());

  const versionOf = async (tenant = "acme"): Promise<number> =>
    (await call("GET", `/v1/tenants/${tenant}/policy`)).body["version"] as number;

  describe("tenants", () => {
    it("are made once, and listed", async () => {
      expect(await call("PUT", "/v1/tenants/made")).toMatchObject({ status: 201, body: { tenant: "made" } });
      expect(await call("PUT", "/v1/tenants/made")).toMatchObject({ status: 200 });
      expect((await call("GET", "/v1/tenants")).body["tenants"]).toEqual(
        expect.arrayContaining(
          ["acme", "made", "rival"].map((tenant) => expect.objectContaining({ tenant, state: "active", limits: {} })),
        ),
      );
      expect((await call("GET", "/v1/tenants/made/policy")).body).toMatchObject({
        version: 1,
        origin: { kind: "empty" },
      });
    });

    it("are the operator's, not the administrator's of one of them", async () => {
      expect(await call("PUT", "/v1/tenants/more", undefined, await as("carol"))).toMatchObject({ status: 403 });
      expect(await call("GET", "/v1/tenants", undefined, await as("carol"))).toMatchObject({ status: 403 });
    });

    it.each(["*", "%3E", "a.b", "a%00b", "a%20b", "%F0%9F%92%A9", "x".repeat(4_096), "a%2Fb", "a%0d%0ab"])(
      "are never named %j",
      async (name) => {
        expect(await call("PUT", `/v1/tenants/${name}`)).toMatchObject({
          status: 400,
          body: { code: "malformed_request" },
        });
      },
    );
  });

  describe("the policy", () => {
    it("is read as it was put, with version, origin and entity tag", async () => {
      const { headers, body } = await call("GET", "/v1/tenants/acme/policy", undefined, await as("carol"));
      expect(body).toMatchObject({
        tenant: "acme",
        document: ACME_DOCUMENT,
        origin: { kind: "http" },
        by: "operator",
        bindings: {},
      });
      expect(headers.get("etag")).toBe(`"${String(body["version"])}"`);
    });

    it("is replaced only from the version the sender has seen", async () => {
      const version = await versionOf();
      const admin = await as("carol");
      const stale = await call("PUT", "/v1/tenants/acme/policy", `${ACME_DOCUMENT}#1`, {
        ...admin,
        "if-match": `"${version - 1}"`,
      });
      expect(stale).toMatchObject({ status: 412, body: { code: "version_conflict" } });
      const current = await call("PUT", "/v1/tenants/acme/policy", `${ACME_DOCUMENT}#1`, {
        ...admin,
        "if-match": String(version),
      });
      expect(current).toMatchObject({ status: 200, body: { version: version + 1 } });
      const odd = await call("PUT", "/v1/tenants/acme/policy", ACME_DOCUMENT, { ...admin, "if-match": "W/x" });
      expect(odd).toMatchObject({ status: 400, body: { code: "malformed_request" } });
    });

    it("keeps its versions, and goes back to one of them as a new version", async () => {
      await call("PUT", "/v1/tenants/acme/policy", ACME_DOCUMENT);
      const version = await versionOf();
      await call("PUT", "/v1/tenants/acme/policy", `${ACME_DOCUMENT}# later`);
      expect(await call("POST", "/v1/tenants/acme/policy/rollback", { version })).toMatchObject({
        status: 200,
        body: { version: version + 2 },
      });
      const { body } = await call("GET", "/v1/tenants/acme/policy/versions");
      expect(body["versions"]).toEqual(
        expect.arrayContaining([expect.objectContaining({ version: version + 2, why: `back to version ${version}` })]),
      );
      expect((await call("GET", "/v1/tenants/acme/policy")).body["document"]).toBe(ACME_DOCUMENT);
      const unknown = await call("POST", "/v1/tenants/acme/policy/rollback", { version: 9_999 });
      expect(unknown).toMatchObject({ status: 404, body: { code: "not_found" } });
    });

    it("tells of each version who made it, why, and what differs from the one before", async () => {
      await call("PUT", "/v1/tenants/acme/policy", ACME_DOCUMENT);
      await call("PUT", "/v1/tenants/acme/policy", ACME_DOCUMENT.replace('allow: ["order:read"]', 'allow: ["a:b"]'));
      await call("PUT", "/v1/tenants/acme/subjects/bob/roles", { roles: ["viewer"] }, await as("carol"));
      const { body } = await call("GET", "/v1/tenants/acme/policy/versions");
      expect((body["versions"] as unknown[]).slice(0, 2)).toMatchObject([
        {
          by: "subject:carol",
          why: "the roles of bob were set",
          at: expect.any(String),
          diff: { differences: [{ change: "added", kind: "subject", name: "bob", after: "viewer" }], more: 0 },
        },
        {
          by: "operator",
          why: "the document was put",
          diff: {
            differences: [
              { change: "removed", kind: "allow", name: "viewer", before: "order:read" },
              { change: "added", kind: "allow", name: "viewer", after: "a:b" },
            ],
            more: 0,
          },
        },
      ]);
      await call("DELETE", "/v1/tenants/acme/subjects/bob/roles");
    });

    it("gives each version that is kept, with its document and what was bound then", async () => {
      const version = await versionOf();
      await call("PUT", "/v1/tenants/acme/policy", "tenant: acme\n");
      const { status, body } = await call("GET", `/v1/tenants/acme/policy/versions/${version + 1}`);
      expect(status).toBe(200);
      expect(body).toMatchObject({ version: version + 1, document: "tenant: acme\n", bindings: {} });
      await call("PUT", "/v1/tenants/acme/policy", ACME_DOCUMENT);
      const older = await call("GET", `/v1/tenants/acme/policy/versions/${version}`, undefined, await as("carol"));
      expect(older.body["document"]).toContain("halfAdmin");
      expect(await call("GET", "/v1/tenants/acme/policy/versions/9999")).toMatchObject({ status: 404 });
      expect(await call("GET", "/v1/tenants/acme/policy/versions/x")).toMatchObject({ status: 400 });
      expect((await call("GET", "/v1/tenants/acme/policy/versions/1", undefined, await as("alice"))).status).toBe(403);
    });

    it("is refused with every fault and its place", async () => {
      const { status, body } = await call(
        "PUT",
        "/v1/tenants/acme/policy",
        "tenant: acme\nroles: { a: { allow: [x] } }\nwho: me",
      );
      expect([status, body["code"]]).toEqual([422, "document_invalid"]);
      expect(body["detail"]).toMatch(/2 faults:\nline 2, column \d+: roles\.a\.allow\.0[^\n]*\nline 3, column 1: who/);
    });

    it("is refused where its own test cases fail, and a change of bindings asks them no more", async () => {
      const withCase = (expected: string): string =>
        `${ACME_DOCUMENT}tests:\n  - { subject: alice, topic: order.created.42, expect: ${expected} }\n`;
      const { status, body } = await call("PUT", "/v1/tenants/acme/policy", withCase("deny"));
      expect([status, body["code"]]).toEqual([422, "document_invalid"]);
      expect(body["detail"]).toMatch(
        /a fault:\nline 13, column 5: tests\.0: expected deny, but role viewer says allow/,
      );
      expect(await call("PUT", "/v1/tenants/acme/policy", withCase("allow"))).toMatchObject({ status: 200 });
      expect(await call("PUT", "/v1/tenants/acme/subjects/alice/roles", { roles: [] })).toMatchObject({ status: 200 });
      await call("DELETE", "/v1/tenants/acme/subjects/alice/roles");
      await call("PUT", "/v1/tenants/acme/policy", ACME_DOCUMENT);
    });

    it("may have 1 MiB in a request, and no more", async () => {
      const over = await call("PUT", "/v1/tenants/acme/policy", "x".repeat(1024 * 1024 + 1));
      expect(over).toMatchObject({ status: 413, body: { code: "body_too_large" } });
      const broken = await call("PUT", "/v1/tenants/acme/policy", "{".repeat(1024));
      expect(broken).toMatchObject({ status: 422 });
    });

    it("is UTF-8", async () => {
      const response = await call("PUT", "/v1/tenants/acme/policy", Buffer.from([0xff, 0xfe]));
      expect(response.status).toBe(400);
    });

    it("of a file is changed by its file, shows a broken one as rejected, and keeps bindings set over HTTP", async () => {
      const file = join(stack.documents, "filed.yaml");
      const text = "tenant: filed\nroles: { viewer: {} }\n";
      await writeFile(file, text);
      await waitFor(
        "the tenant is there",
        async () => (await call("GET", "/v1/tenants/filed/policy")).status === 200 && (await versionOf("filed")) > 1,
      );
      expect(await call("PUT", "/v1/tenants/filed/policy", text)).toMatchObject({
        status: 409,
        body: { code: "document_from_file", detail: expect.stringContaining("filed.yaml") },
      });
      expect(await call("POST", "/v1/tenants/filed/policy/rollback", { version: 1 })).toMatchObject({ status: 409 });
      expect(await call("PUT", "/v1/tenants/filed/subjects/bob/roles", { roles: ["viewer"] })).toMatchObject({
        status: 200,
      });
      await writeFile(file, "tenant: filed\nroles: { viewer: { allow: [x] } }\n");
      const rejected = await waitFor(
        "the file is rejected",
        async () => (await call("GET", "/v1/tenants/filed/policy")).body["rejected"],
      );
      expect(rejected).toMatchObject({
        file: "filed.yaml",
        reason: "invalid",
        faults: [{ line: 2, path: "roles.viewer.allow.0" }],
      });
      await writeFile(file, `${text}events: { "a.*": a:b }\n`);
      const { body } = await waitFor("the file is good", async () => {
        const answer = await call("GET", "/v1/tenants/filed/policy");
        return answer.body["rejected"] === undefined && answer;
      });
      expect(body).toMatchObject({ bindings: { bob: ["viewer"] }, document: expect.stringContaining("events") });
    });
  });

  it("comes back by itself after the broker was gone", async () => {
    await stack.nats.stop("SIGKILL");
    expect(await call("PUT", "/v1/tenants/acme/subjects/bob/roles", { roles: ["viewer"] })).toMatchObject({
      status: 503,
    });
    await stack.nats.start();
    const answer = await waitFor("a change is taken again", async () => {
      const tried = await call("PUT", "/v1/tenants/acme/subjects/bob/roles", { roles: ["viewer"] });
      return tried.status === 200 && tried;
    });
    expect(answer.body["version"]).toBe(await versionOf());
  });
});
