import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACME_DOCUMENT, type PolicyStack, startPolicyStack } from "#test/support/start-policy.ts";

describe("subjects over HTTP", () => {
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

  const check = (body: unknown) => call("POST", "/v1/tenants/acme/check", body);

  describe("the roles of a subject", () => {
    it("are the document's until they are set, and again after", async () => {
      const path = "/v1/tenants/acme/subjects/alice/roles";
      const admin = await as("carol");
      const before = await versionOf();
      expect((await call("GET", path, undefined, admin)).body).toEqual({
        subject: "alice",
        roles: ["viewer"],
        source: "document",
      });
      expect((await call("PUT", path, { roles: ["admin"] }, admin)).body).toEqual({ version: before + 1 });
      const set = { subject: "alice", roles: ["admin"], source: "http" };
      expect((await call("GET", path, undefined, await as("alice"))).body).toEqual(set);
      expect((await call("GET", "/v1/tenants/acme/subjects/alice")).body).toEqual(set);
      expect((await call("DELETE", path, undefined, admin)).body).toEqual({ version: before + 2 });
      expect((await call("GET", path, undefined, admin)).body).toMatchObject({ source: "document" });
      expect(await call("GET", path, undefined, await as("alice"))).toMatchObject({ status: 403 });
    });

    it("are set and taken back only while the version that is named is in force", async () => {
      const path = "/v1/tenants/acme/subjects/gus/roles";
      const seen = await versionOf();
      await call("PUT", path, { roles: ["viewer"] });
      for (const change of [["PUT", { roles: ["viewer", "admin"] }] as const, ["DELETE", undefined] as const]) {
        const old = await call(change[0], path, change[1], { ...(await as("carol")), "if-match": `"${seen}"` });
        expect(old).toMatchObject({ status: 412, body: { code: "version_conflict" } });
      }
      const headers = { ...(await as("carol")), "if-match": `"${seen + 1}"` };
      expect(await call("DELETE", path, undefined, headers)).toMatchObject({
        status: 200,
        body: { version: seen + 2 },
      });
    });

    it.each([
      [{}],
      [{ roles: "viewer" }],
      [{ roles: [""] }],
      [{ roles: ["ghost"] }],
      [{ roles: [], more: 1 }],
      ["{"],
      [[]],
    ])("are not %j", async (body) => {
      const answer = await call("PUT", "/v1/tenants/acme/subjects/alice/roles", body);
      expect(answer).toMatchObject({ status: 400, body: { code: "malformed_request" } });
    });
  });

  it("may have any name, and are listed in pages", async () => {
    const names = ["auth0|64a", "jane@acme.com", "a/b", "50%", "%2F", "group:x", "Zoë", "a b", "x".repeat(256)];
    for (const name of names) {
      const path = `/v1/tenants/acme/subjects/${encodeURIComponent(name)}`;
      expect(await call("PUT", `${path}/roles`, { roles: ["viewer"] })).toMatchObject({ status: 200 });
      expect((await call("GET", path)).body).toEqual({ subject: name, roles: ["viewer"], source: "http" });
    }
    const listed: string[] = [];
    for (let after: unknown, pages = 0; pages === 0 || after !== undefined; pages += 1) {
      const from = after === undefined ? "" : `&after=${encodeURIComponent(after as string)}`;
      const { body } = await call("GET", `/v1/tenants/acme/subjects?limit=4${from}`);
      expect(body).toMatchObject({ version: await versionOf(), total: names.length });
      const subjects = body["subjects"] as { subject: string; roles: string[] }[];
      listed.push(...subjects.map(({ subject }) => subject));
      after = body["next"];
    }
    expect(listed.toSorted()).toEqual(names.toSorted());
    for (const query of ["limit=0", "limit=1001", "after=%00"]) {
      expect((await call("GET", `/v1/tenants/acme/subjects?${query}`)).status).toBe(400);
    }
    expect((await call("GET", "/v1/tenants/acme/subjects", undefined, await as("alice"))).status).toBe(403);
    for (const name of names) await call("DELETE", `/v1/tenants/acme/subjects/${encodeURIComponent(name)}/roles`);
  });

  it.each(["a%00b", "x".repeat(257), "%CC%88u%CC%88"])("is not %s", async (name) => {
    expect((await call("GET", `/v1/tenants/acme/subjects/${name}`)).status).toBe(400);
  });

  describe("a check", () => {
    it("answers with the version and the rule that decides", async () => {
      const version = await versionOf();
      expect((await check({ subject: "alice", topic: "order.created.42" })).body).toEqual({
        allow: true,
        version,
        rule: { role: "viewer", effect: "allow", rule: "order:read" },
      });
      expect((await check({ subject: "alice", topic: "order.hidden.42" })).body).toMatchObject({
        allow: false,
        rule: { effect: "deny", rule: "order:read@order.hidden.>" },
      });
      expect((await check({ subject: "zoe", roles: ["viewer"], topic: "order.created" })).body).toMatchObject({
        allow: true,
      });
      expect((await check({ subject: "zoe", permission: "order:read" })).body).toEqual({
        allow: false,
        version,
        rule: null,
      });
      expect((await check({ subject: "carol", topic: "unmapped.event" })).body).toEqual({
        allow: false,
        version,
        rule: null,
      });
    });

    it.each([
      [{ subject: "a" }],
      [{ subject: "a", permission: "a:b", topic: "a.b" }],
      [{ subject: "a\nb", permission: "a:b" }],
      [{ subject: "a", permission: "a:*" }],
      [{ subject: "a", topic: "a.>" }],
      [{ subject: "a", topic: "a" }],
    ])("refuses %j", async (body) => {
      expect(await check(body)).toMatchObject({ status: 400, body: { code: "malformed_request" } });
    });
  });
});
