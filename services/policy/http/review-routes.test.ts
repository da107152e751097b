import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACME_DOCUMENT, type PolicyStack, startPolicyStack } from "#test/support/start-policy.ts";

const PATH = "/v1/tenants/acme/policy";

describe("looking at policies over HTTP", () => {
  let stack: PolicyStack;
  let call: PolicyStack["call"];

  beforeAll(async () => {
    stack = await startPolicyStack();
    ({ call } = stack);
    await call("PUT", "/v1/tenants/acme");
    await call("PUT", PATH, ACME_DOCUMENT);
    await call("PUT", "/v1/tenants/acme/subjects/dave/roles", { roles: ["viewer"] });
  });
  afterAll(() => stack[Symbol.asyncDispose]());

  it("a review says who gains and loses by a text, warns of it, and changes nothing", async () => {
    const text = ACME_DOCUMENT.replace('"order:read"]', '"order:read", "note:read"]').concat(
      "attributes: { alice: { region: [eu] } }\ntests: [{ subject: eve, permission: 'policy:admin', expect: allow }]\n",
    );
    const { status, body } = await call("POST", `${PATH}/review`, text);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      version: 3,
      faults: [],
      warnings: [
        { path: "attributes.alice.region", line: 12 },
        { path: "roles.viewer.allow.1", message: "no event type and no route asks for note:read" },
      ],
      cases: 1,
      failed: [{ path: "tests.0", message: expect.stringContaining("expected allow") }],
      diff: { differences: expect.arrayContaining([expect.objectContaining({ change: "added", kind: "allow" })]) },
      effects: [{ who: ["alice", "dave", "role:viewer"], gains: ["note:read"], loses: [], others: 0 }],
      moreEffects: 0,
      unseen: 0,
    });
    expect((await call("GET", PATH)).body).toMatchObject({ version: 3, document: ACME_DOCUMENT });
  });

  it("a review of a broken text says where it is broken, and nothing else", async () => {
    const { status, body } = await call("POST", `${PATH}/review`, "tenant: acme\nroles: { a: { alow: [] } }\n");
    expect(status).toBe(200);
    expect(body).toMatchObject({ faults: [{ line: 2, path: "roles.a.alow" }], effects: [], cases: 0 });
  });

  it("who sees what is by the version in force, or an earlier one, beside another where that is asked for", async () => {
    const before = (await call("GET", PATH)).body["version"] as number;
    await call("PUT", PATH, ACME_DOCUMENT.replace("subjects: [alice]", "subjects: [bob]"));
    const read = async (query: string) => (await call("GET", `${PATH}/visibility${query}`)).body;
    const some = { how: "some", rules: ["order:read", "deny order:read@order.hidden.>"] };
    const all = { how: "all", rules: [] };
    expect(await read("")).toMatchObject({
      version: before + 1,
      types: [{ pattern: "order.*", permission: "order:read" }],
      total: 7,
      people: expect.arrayContaining([{ who: "bob", roles: ["viewer"], sees: { "order.*": some } }]),
    });
    expect(await read(`?version=${before}&limit=1`)).toMatchObject({
      people: [{ who: "alice", roles: ["viewer"], sees: { "order.*": some } }],
      next: "alice",
    });
    const { people } = await read(`?compare=${before}`);
    expect(people).toContainEqual({ who: "bob", roles: ["viewer"], sees: { "order.*": some }, saw: {} });
    expect(people).toContainEqual({ who: "alice", roles: [], sees: {}, saw: { "order.*": some } });
    expect(people).toContainEqual({
      who: "carol",
      roles: ["admin"],
      sees: { "order.*": all },
      saw: { "order.*": all },
    });
  });

  it("pages follow each other without a gap", async () => {
    const seen: string[] = [];
    for (let after: string | undefined = ""; after !== undefined;) {
      const query: string = after === "" ? "?limit=2" : `?limit=2&after=${after}`;
      const { people, next } = (await call("GET", `${PATH}/visibility${query}`)).body as {
        people: { who: string }[];
        next?: string;
      };
      seen.push(...people.map(({ who }) => who));
      after = next;
    }
    expect(seen).toEqual(["bob", "carol", "dave", "eve", "role:admin", "role:halfAdmin", "role:viewer"]);
  });

  it.each(["?version=0", "?compare=x", "?limit=101", "?after=%00"])("%s is refused", async (query) => {
    expect(await call("GET", `${PATH}/visibility${query}`)).toMatchObject({ status: 400 });
  });

  it("a version that is not kept is not there", async () => {
    expect(await call("GET", `${PATH}/visibility?compare=999`)).toMatchObject({ status: 404 });
  });

  it("nobody but administrators of the tenant looks", async () => {
    const alice = await stack.as("alice");
    expect(await call("POST", `${PATH}/review`, ACME_DOCUMENT, alice)).toMatchObject({ status: 403 });
    expect(await call("GET", `${PATH}/visibility`, undefined, alice)).toMatchObject({ status: 403 });
    const carol = await stack.as("carol");
    expect(await call("GET", `${PATH}/visibility`, undefined, carol)).toMatchObject({ status: 200 });
    expect(await call("GET", "/v1/tenants/rival/policy/visibility", undefined, carol)).toMatchObject({ status: 403 });
  });

  it("a change carries the reason that its maker gives, in one line of 256 bytes", async () => {
    const put = (reason: string) => call("PUT", `${PATH}?reason=${encodeURIComponent(reason)}`, `${ACME_DOCUMENT}# 1`);
    expect(await put("x".repeat(257))).toMatchObject({ status: 400 });
    expect(await put("two\nlines")).toMatchObject({ status: 400 });
    expect(await put("x".repeat(256))).toMatchObject({ status: 200 });
    expect((await call("GET", PATH)).body).toMatchObject({ why: "x".repeat(256) });
    const rollback = await call("POST", `${PATH}/rollback`, { version: 3, reason: "the change cut bob off" });
    expect(rollback).toMatchObject({ status: 200 });
    expect((await call("GET", PATH)).body).toMatchObject({ why: "back to version 3: the change cut bob off" });
  });
});
