import { compileHere } from "#test/support/compile-here.ts";
import { credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DecisionServiceClient, DecisionServiceService } from "#proto/policy/v1/decision.ts";
import type { DecideRequest, DecideResponse, ResolveRequest, ResolveResponse } from "#proto/policy/v1/decision.ts";
import { callUnary } from "#shared/grpc/call-unary.ts";
import { type GrpcServer, startGrpcServer } from "#shared/grpc/start-server.ts";
import { createLogger } from "#shared/log/create-logger.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import { createMetricsRegistry } from "#shared/metrics/registry.ts";
import { createPolicyMetrics } from "../metrics.ts";
import { Snapshots } from "../versions/snapshots.ts";
import { SubjectRoles } from "../decide/subject-roles.ts";
import { BUILT_IN_TIERS } from "../limits/tiers.ts";
import type { StoredPolicy } from "../versions/stored-policy.ts";
import { createDecisionService } from "./decision-service.ts";

const version = { number: 7, build: "0123abcd" };
const text = `
tenant: acme
roles:
  viewer: { allow: ["order:read"] }
  owner: { inherits: [viewer], allow: ["note:read@note.*.{sub}"], deny: ["order:read@order.hidden"] }
bindings: [{ role: owner, subjects: [alice] }]
events: { "order.*": order:read, "note.*": note:read }
`;

const PLAIN = { allow: [], deny: [], allowWhen: [], denyWhen: [], masked: [] };

const manySubjects = (count: number) =>
  Array.from({ length: count }, (_, id) => ({ id: `s${id}`, roles: [], groups: [] }));
const manyGrants = (count: number) => Array.from({ length: count }, () => "viewer@");
const manyPermissions = (count: number) => Array.from({ length: count }, (_, index) => `p${index}:read`);

describe("the decision service", () => {
  const metrics = createPolicyMetrics(createMetricsRegistry());
  let stored: StoredPolicy;
  let reads = 0;
  let server: GrpcServer;
  let client: DecisionServiceClient;

  beforeAll(async () => {
    const document = { text, origin: { kind: "http" as const } };
    stored = {
      version,
      document,
      bindings: SubjectRoles.none,
      lifecycle: { state: "active" as const, since: 0, at: "2026-01-01T00:00:00Z" },
      limits: {},
      at: "2026-01-01T00:00:00Z",
      by: "x",
      why: "y",
    };
    const read = async (tenant: string) => {
      reads += 1;
      return tenant === "acme" ? { policy: stored, revision: 1 } : undefined;
    };
    const snapshots = new Snapshots({ store: { read }, compiler: compileHere(), onSwap: () => undefined });
    const service = createDecisionService(
      { snapshots, metrics, wall: Date.now, tiers: BUILT_IN_TIERS, ownIssuer: "http://auth.test" },
      limitLines(createLogger("test", "silent")),
    );
    const address = { host: "127.0.0.1", port: 0, setting: "NONE" };
    server = await startGrpcServer(address, [[DecisionServiceService, service]]);
    client = new DecisionServiceClient(`127.0.0.1:${server.port}`, credentials.createInsecure());
  });
  afterAll(async () => {
    client.close();
    await server[Symbol.asyncDispose]();
  });

  const resolve = (request: Partial<ResolveRequest>): Promise<ResolveResponse> =>
    callUnary(client.resolve.bind(client), { tenant: "acme", subjects: [], ...request }, { timeoutMs: 30_000 });
  const decideAll = (request: Partial<DecideRequest>): Promise<DecideResponse> =>
    callUnary(
      client.decide.bind(client),
      { tenant: "acme", grants: [], permissions: [], ...request },
      { timeoutMs: 30_000 },
    );

  it("gives grants in the order of the subjects, with version and event map", async () => {
    const subjects = [
      { id: "bob", roles: ["viewer"], groups: [] },
      { id: "alice", roles: [], groups: [] },
      { id: "mallory.>", roles: ["*"], groups: ["\0"] },
    ];
    expect(await resolve({ subjects })).toEqual({
      version,
      limits: { tier: "default" },
      grants: [
        { id: "viewer@", roles: ["viewer"] },
        { id: "owner@alice", roles: ["viewer", "owner"] },
        { id: "@", roles: [] },
      ],
      eventMap: [
        { pattern: "order.*", permission: "order:read" },
        { pattern: "note.*", permission: "note:read" },
      ],
    });
  });

  it("gives residuals grant by grant, and counts them", async () => {
    const { residuals } = await decideAll({
      grants: ["viewer@", "owner@alice"],
      permissions: ["order:read", "note:read"],
    });
    expect(residuals).toEqual([
      { ...PLAIN, allow: [">"] },
      PLAIN,
      { ...PLAIN, allow: [">"], deny: ["order.hidden"] },
      { ...PLAIN, allow: ["note.*.alice"] },
    ]);
    const counted = (await metrics.decisions.get()).values.map(({ labels, value }) => [labels.outcome, value]);
    expect(counted).toEqual([
      ["allow", 1],
      ["deny", 1],
      ["conditional", 2],
    ]);
  });

  it("gives equal residuals once to those who ask for that, and the place of each", async () => {
    const asked = { grants: ["viewer@", "owner@alice"], permissions: ["order:read", "note:read", "none:read"] };
    const { residuals: all } = await decideAll(asked);
    const { residuals, places } = await decideAll({ ...asked, eachOnce: true });
    expect(residuals).toHaveLength(4);
    expect(places.map((place) => residuals[place])).toEqual(all);
  });

  it("reads the store anew unless the version asked for is held already", async () => {
    const grants = { grants: ["@"], permissions: ["order:read"] };
    await decideAll(grants);
    const before = reads;
    await decideAll({ ...grants, atLeast: version });
    await decideAll({ ...grants, atLeast: { number: 3, build: "other" } });
    expect(reads).toBe(before);
    await decideAll(grants);
    expect(reads).toBe(before + 1);
  });

  it("does not answer from an older version, nor from another build of the same number", async () => {
    const grants = { grants: ["@"], permissions: ["order:read"] };
    for (const atLeast of [
      { number: 8, build: "x" },
      { number: 7, build: "x" },
    ]) {
      await expect(decideAll({ ...grants, atLeast })).rejects.toMatchObject({ code: "unavailable" });
      await expect(resolve({ subjects: [{ id: "a", roles: [], groups: [] }], atLeast })).rejects.toMatchObject({
        code: "unavailable",
      });
    }
  });

  it("knows no tenant but those in the store", async () => {
    const subjects = [{ id: "a", roles: [], groups: [] }];
    await expect(resolve({ tenant: "nowhere", subjects })).rejects.toMatchObject({ code: "tenant_unknown" });
  });

  it.each(["", "*", ">", "a.b", "a b", "a\0", "a".repeat(4_096)])("refuses %j as a tenant", async (tenant) => {
    const subjects = [{ id: "a", roles: [], groups: [] }];
    await expect(resolve({ tenant, subjects })).rejects.toMatchObject({ code: "malformed_request" });
  });

  it("takes 1024 questions in a call, and 65536 answers, and not one more", async () => {
    expect((await resolve({ subjects: manySubjects(1_024) })).grants).toHaveLength(1_024);
    expect((await decideAll({ grants: manyGrants(1_024), permissions: manyPermissions(64) })).residuals).toHaveLength(
      65_536,
    );
    const malformed = { code: "malformed_request" };
    await expect(resolve({ subjects: manySubjects(1_025) })).rejects.toMatchObject(malformed);
    await expect(resolve({ subjects: [] })).rejects.toMatchObject(malformed);
    await expect(decideAll({ grants: manyGrants(1_025), permissions: manyPermissions(1) })).rejects.toMatchObject(
      malformed,
    );
    await expect(decideAll({ grants: manyGrants(1_024), permissions: manyPermissions(65) })).rejects.toMatchObject(
      malformed,
    );
    await expect(decideAll({ grants: [], permissions: manyPermissions(1) })).rejects.toMatchObject(malformed);
  });

  it.each([
    [{ grants: ["viewer"], permissions: ["order:read"] }],
    [{ grants: ["*@"], permissions: ["order:read"] }],
    [{ grants: ["@"], permissions: ["order:*"] }],
    [{ grants: ["@"], permissions: ["order"] }],
    [{ grants: ["@"], permissions: ["order:read"], atLeast: { number: 0, build: "" } }],
  ])("refuses %j", async (request) => {
    await expect(decideAll(request)).rejects.toMatchObject({ code: "malformed_request" });
  });

  it("gives the tenant's limits: those of its tier, and its own before them", async () => {
    stored = { ...stored, version: { number: 8, build: "01234567" }, limits: { tier: "basic", connections: 3 } };
    const { limits } = await resolve({ subjects: manySubjects(1) });
    expect(limits).toMatchObject({ tier: "basic", connections: 3, topicsPerStream: 20 });
    expect(limits?.connectionsPerSubject).toBeUndefined();
  });
});
