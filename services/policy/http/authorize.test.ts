import { generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACME_DOCUMENT, OPERATOR_TOKEN, type PolicyStack, startPolicyStack } from "#test/support/start-policy.ts";

describe("who may administer", () => {
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

  const preflight = async (origin: string): Promise<string | null> => {
    const headers = { origin, "access-control-request-method": "PUT" };
    const response = await fetch(`${stack.url}/v1/tenants`, { method: "OPTIONS", headers });
    return response.headers.get("access-control-allow-origin");
  };

  describe("a caller", () => {
    const path = "/v1/tenants/acme/policy";

    it("without a token is told so", async () => {
      const answer = await call("GET", path, undefined, {});
      expect(answer).toMatchObject({ status: 401, body: { code: "token_missing" } });
      expect(answer.headers.get("www-authenticate")).toContain("Bearer");
      const { authorization } = await as("carol");
      const byCookie = await call("GET", path, undefined, { cookie: `auth_token=${authorization.slice(7)}` });
      expect(byCookie).toMatchObject({ status: 401, body: { code: "token_missing" } });
    });

    it.each(["an-operator-token-for-this-tesu", "an-operator-token", "x", "a.b.c"])(
      "with the token %j is refused, and told that it is no operator's either",
      async (token) => {
        const answer = await call("GET", path, undefined, { authorization: `Bearer ${token}` });
        const detail = expect.stringContaining("operator's token");
        expect(answer).toMatchObject({ status: 401, body: { code: "token_invalid", detail } });
      },
    );

    it("with an expired token, or one of another issuer, is refused", async () => {
      const now = Math.floor(Date.now() / 1_000);
      expect(await call("GET", path, undefined, await as("carol", { tenant_id: undefined }))).toMatchObject({
        status: 401,
      });
      const { privateKey } = await generateKeyPair("ES256");
      const forged = await new SignJWT({ sub: "carol", tenant_id: "acme", exp: now + 60 })
        .setProtectedHeader({ alg: "ES256", kid: "k1", typ: "at+jwt" })
        .sign(privateKey);
      const answer = await call("GET", path, undefined, { authorization: `Bearer ${forged}` });
      expect(answer).toMatchObject({ status: 401, body: { code: "token_invalid" } });
    });

    it("without policy:admin on every topic is refused", async () => {
      for (const sub of ["alice", "eve", "nobody"]) {
        expect(await call("GET", path, undefined, await as(sub))).toMatchObject({
          status: 403,
          body: { code: "forbidden" },
        });
      }
      expect(await call("GET", path, undefined, await as("nobody", { roles: ["admin"] }))).toMatchObject({
        status: 200,
      });
    });

    it("of another tenant learns nothing: there is no difference between a tenant that exists and one that does not", async () => {
      const admin = await as("carol");
      const [theirs, nobodys] = [
        await call("GET", "/v1/tenants/rival/policy", undefined, admin),
        await call("GET", "/v1/tenants/nowhere/policy", undefined, admin),
      ];
      expect(theirs.status).toBe(403);
      // The instance is the request's own.
      const body = { ...theirs.body, instance: expect.stringContaining("urn:sluice:request:") };
      expect(nobodys).toMatchObject({ status: theirs.status, body });
      const orphan = await as("carol", { tenant_id: "nowhere" });
      expect(await call("GET", "/v1/tenants/nowhere/policy", undefined, orphan)).toMatchObject({
        status: 403,
        body,
      });
    });

    it("whose session has ended is refused", async () => {
      const ended = await as("carol", { sid: "ended" });
      expect(await call("GET", path, undefined, ended)).toMatchObject({ status: 200 });
      stack.people.endSession("ended");
      expect(await call("GET", path, undefined, ended)).toMatchObject({ status: 401, body: { code: "session_ended" } });
      expect(await call("GET", path, undefined, await as("carol"))).toMatchObject({ status: 200 });
    });

    it("has the rights of now, whatever the token says, and none while auth is away", async () => {
      const admin = await as("temp", { roles: ["admin"] });
      expect(await call("GET", path, undefined, admin)).toMatchObject({ status: 200 });
      stack.people.hold("acme", "temp", { roles: [], groups: [] });
      expect(await call("GET", path, undefined, admin)).toMatchObject({ status: 403 });
      stack.people.isAway = true;
      const refused = await call("GET", path, undefined, admin);
      expect(refused).toMatchObject({ status: 503, body: { code: "unavailable" } });
      expect(refused.headers.get("retry-after")).toBe("1");
      expect(await call("GET", path)).toMatchObject({ status: 200 });
      stack.people.isAway = false;
    });

    it("finds nothing at paths that do not exist", async () => {
      expect(await call("GET", "/v1/tenants/unknown/policy")).toMatchObject({
        status: 404,
        body: { code: "tenant_unknown" },
      });
      expect(await call("GET", "/v1/tenants/acme/nothing")).toMatchObject({ status: 404, body: { code: "not_found" } });
    });

    it("is told which methods a path has instead", async () => {
      for (const [method, known] of [
        ["DELETE", "/v1/tenants/acme/policy"],
        ["PUT", "/v1/tenants/acme/explain"],
      ] as const) {
        expect(await call(method, known)).toMatchObject({ status: 405, body: { code: "method_not_allowed" } });
      }
    });

    it("from a page is let in by the exact list of origins", async () => {
      expect(await preflight("https://console.test")).toBe("https://console.test");
      expect(await preflight("https://console.test.evil")).toBeNull();
    });
  });

  it("whoever guesses at operators' tokens is not listened to any more, and others are", async () => {
    const guess = (token: string, from: string) =>
      call("GET", "/v1/tenants", undefined, { authorization: `Bearer ${token}`, "x-forwarded-for": from });
    for (let time = 0; time < 20; time += 1) {
      expect((await guess(`a-wrong-operator-token-${time}`, "203.0.113.1")).status).toBe(401);
    }
    const refused = await guess(OPERATOR_TOKEN, "203.0.113.1");
    expect(refused).toMatchObject({ status: 429, body: { code: "too_many_attempts" } });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(30);
    expect((await guess(OPERATOR_TOKEN, "203.0.113.2")).status).toBe(200);
    const { authorization } = await as("carol");
    const admin = await call("GET", "/v1/tenants/acme", undefined, { authorization, "x-forwarded-for": "203.0.113.1" });
    expect(admin.status).toBe(200);
  });

  it("no token is ever logged", () => {
    expect(stack.policy.child.output()).not.toContain(OPERATOR_TOKEN);
    expect(stack.policy.child.output()).not.toContain("eyJ");
  });
});
