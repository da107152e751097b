import { compileHere } from "#test/support/compile-here.ts";
import { describe, expect, test } from "vitest";
import { type Check, CheckBatchRequest, ExplainResponse } from "#proto/policy/v1/decision.ts";
import { createMetricsRegistry } from "#shared/metrics/registry.ts";
import { createPolicyMetrics } from "../metrics.ts";
import { BUILT_IN_TIERS } from "../limits/tiers.ts";
import { Snapshots } from "../versions/snapshots.ts";
import { SubjectRoles } from "../decide/subject-roles.ts";
import { emptyContent } from "../versions/stored-policy.ts";
import { checkBatch } from "./check-batch.ts";
import { explainCheck } from "./explain-check.ts";
import { mapResources } from "./map-resources.ts";

const version = { number: 7, build: "0123abcd" };
const text = `
tenant: acme
roles:
  viewer: { allow: ["order:read"], deny: ["order:read@order.*.secret"] }
  owner: { allow: ["order:read@order.*.{sub}"] }
  counter: { allow: ["order:read@order.*"] }
  seller:
    allow: ["order:publish@order.*.{sub}", "ticket:write", { rule: "label:publish", when: "event.region == 'eu'" }]
bindings:
  - { role: viewer, subjects: [vera, "group:ops"] }
  - { role: owner, subjects: [olaf] }
  - { role: counter, subjects: [carl] }
  - { role: seller, subjects: [sue] }
events:
  "order.*": order:read
  "ticket.*": { read: ticket:read, publish: ticket:write }
  "label.*": { read: label:read }
  "%C3%A9.*": cafe:read
routes:
  - { method: GET, path: "/orders/{id?}", permission: order:read, topics: ["order.*.{id}", "order.*"] }
  - { method: POST, path: "/orders", permission: order:write }
`;
const stored = { version, document: { text, origin: { kind: "http" as const } }, bindings: SubjectRoles.none };
const policy = { ...emptyContent("acme"), ...stored, at: "2026-01-01T00:00:00Z", by: "x", why: "y" };
const snapshots = new Snapshots({
  store: { read: async () => ({ policy, revision: 1 }) },
  compiler: compileHere(),
  onSwap: () => undefined,
});
const wall = () => Date.now();
const metrics = createPolicyMetrics(createMetricsRegistry());
const deps = { snapshots, metrics, wall, ownIssuer: "auth", tiers: BUILT_IN_TIERS };

const by = (id: string, question: Check["question"], groups: string[] = []): Check => ({
  subject: { id, roles: [], groups },
  question,
  attributes: {},
});
const get = (path: string, method = "GET"): Check["question"] => ({ $case: "request", value: { method, path } });

async function allowed(...checks: Check[]): Promise<boolean[]> {
  const request = CheckBatchRequest.decode(
    CheckBatchRequest.encode({ tenant: "acme", checks, atLeast: version }).finish(),
  );
  return (await checkBatch(deps, request)).allowed;
}

describe("a batch of checks", () => {
  test("is answered in its order, by permission, topic and request, from one version", async () => {
    const checks = [
      by("vera", { $case: "permission", value: "order:write" }),
      by("nobody", { $case: "topic", value: "order.created.1" }, ["ops"]),
      by("vera", { $case: "topic", value: "order.created.secret" }),
      by("vera", { $case: "topic", value: "unknown.created" }),
      by("vera", get("/orders/42")),
      by("vera", get("/orders", "POST")),
      by("vera", get("/nowhere")),
    ];
    const { limits, ...answer } = await checkBatch(deps, { tenant: "acme", checks });
    expect(answer).toEqual({ version, allowed: [false, true, false, false, true, false, false] });
    expect(limits).toEqual({ tier: "default" });
  });

  test("of publishing goes by the permission that the event map names for it, else by <resource>:publish", async () => {
    const publishing = (id: string, value: string, attributes: Record<string, string> = {}): Check => ({
      ...by(id, { $case: "publish", value }),
      attributes,
    });
    expect(await allowed(publishing("sue", "order.created.sue"), publishing("sue", "order.created.vera"))).toEqual([
      true,
      false,
    ]);
    expect(await allowed(publishing("sue", "ticket.opened.1"), publishing("vera", "order.created.1"))).toEqual([
      true,
      false,
    ]);
    const labels = [{ region: "eu" }, { region: "us" }, {}].map((each) => publishing("sue", "label.added", each));
    expect(await allowed(...labels)).toEqual([true, false, false]);
    expect(await allowed(publishing("sue", "unknown.created"), publishing("sue", "%C3%A9.opened"))).toEqual([
      false,
      false,
    ]);
  });

  test("of requests asks about the object in the path, and about all of them where there is none", async () => {
    expect(await allowed(by("olaf", get("/orders/olaf")), by("olaf", get("/orders/vera")))).toEqual([true, false]);
    expect(await allowed(by("olaf", get("/orders")), by("carl", get("/orders")))).toEqual([false, true]);
    expect(await allowed(by("carl", get("/orders/42")), by("carl", get("/orders/4.2")))).toEqual([false, false]);
    expect(await allowed(by("vera", get("/orders/secret")), by("vera", get("/orders")))).toEqual([false, true]);
    expect(await allowed(by("vera", get("/orders/x/../secret")))).toEqual([false]);
  });

  test("takes 1 to 1024 checks, each whole", async () => {
    const one = by("vera", { $case: "permission", value: "order:read" });
    expect(await allowed(...Array.from({ length: 1_024 }, () => one))).toHaveLength(1_024);
    for (const checks of [
      [],
      Array.from({ length: 1_025 }, () => one),
      [by("vera", undefined)],
      [{ ...one, subject: undefined }],
      [by("vera", { $case: "permission", value: "order:*" })],
      [by("vera", { $case: "topic", value: "order.*" })],
    ]) {
      await expect(allowed(...checks)).rejects.toMatchObject({ code: "malformed_request" });
    }
  });
});

describe("an explanation", () => {
  test("has the decision, the rule it follows and every other one", async () => {
    const check = by("vera", { $case: "topic", value: "order.created.secret" });
    const answer = await explainCheck({ snapshots, wall, ownIssuer: "auth" }, { tenant: "acme", check });
    expect(ExplainResponse.decode(ExplainResponse.encode(answer).finish())).toEqual({
      version,
      allow: false,
      permission: "order:read",
      topic: "order.created.secret",
      because: "it is about order.*.secret",
      rule: answer.considered[0],
      considered: [
        {
          role: "viewer",
          via: ["bound by name"],
          effect: "deny",
          rule: "order:read@order.*.secret",
          holds: true,
          because: "it is about order.*.secret",
        },
        {
          role: "viewer",
          via: ["bound by name"],
          effect: "allow",
          rule: "order:read",
          holds: true,
          because: "it is about every topic",
        },
      ],
    });
    await expect(explainCheck({ snapshots, wall, ownIssuer: "auth" }, { tenant: "acme" })).rejects.toMatchObject({
      code: "malformed_request",
    });
  });
});

describe("resources", () => {
  test("are mapped to the topics of the route that a GET takes, in the order they were asked", async () => {
    const paths = ["/orders/42", "/orders", "/nowhere", "/orders/a.b", "/orders/../orders"];
    expect(await mapResources({ snapshots }, { tenant: "acme", paths })).toEqual({
      version,
      resources: [
        { topics: ["order.*.42", "order.*"] },
        { topics: ["order.*"] },
        { topics: [] },
        { topics: ["order.*.a%2Eb", "order.*"] },
        { topics: [] },
      ],
    });
  });
});
