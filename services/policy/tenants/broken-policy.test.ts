import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLogger } from "#shared/log/create-logger.ts";
import { openTenants, type OpenTenants, subjectsWhile } from "#test/support/open-tenants.ts";
import { changePolicy } from "../change-policy.ts";
import { bindSubject, putDocument, setLimits } from "../changes/commands.ts";
import { applyFile } from "../watch/apply-file.ts";
import { checkTenants } from "./check-tenants.ts";
import { reconcileTenant } from "./reconcile-tenant.ts";
import type { TenantDeps } from "./tenant-deps.ts";

const log = createLogger("test", "silent");

/** What an earlier release took, and this one does not. */
const BROKEN = "tenant: [";

describe("a tenant whose stored document does not compile any more", () => {
  let tenants: OpenTenants;
  let on: TenantDeps;

  beforeAll(async () => {
    tenants = await openTenants();
    on = tenants.other.deps;
  });
  afterAll(() => tenants[Symbol.asyncDispose]());

  const create = async (): Promise<string> => {
    const tenant = await tenants.create();
    const before = (await on.store.read(tenant))!;
    const { policy } = before;
    const version = { number: policy.version.number + 1, build: "earlier" };
    const document = { text: BROKEN, origin: { kind: "http" } } as const;
    expect(await on.store.replace(tenant, { ...policy, version, document }, before)).toBe(true);
    return tenant;
  };
  const stateOf = async (tenant: string) => (await on.store.read(tenant))?.policy.lifecycle.state;
  const put = (tenant: string, text: string) =>
    changePolicy(
      on,
      tenant,
      putDocument(text, {
        kind: "document",
        by: "operator",
        why: "put",
        expected: undefined,
        files: { isThere: () => false },
      }),
    );

  it("is suspended, resumed and deleted, and its log says so", async () => {
    const tenant = await create();
    await tenants.become(tenant, "suspended", on);
    expect(await tenants.subjectsOf(tenant)).toEqual(subjectsWhile.closed(tenant));
    await expect(on.snapshots.atLeast(tenant)).rejects.toMatchObject({ code: "tenant_suspended" });
    await tenants.become(tenant, "active", on);
    expect(await tenants.subjectsOf(tenant)).toEqual(subjectsWhile.open(tenant));
    await tenants.become(tenant, "deleted", on);
    expect((await tenants.entriesOf(tenant)).map(({ state }) => state)).toEqual(["suspended", "active", "deleted"]);
    const later = { ...on, clock: { ...on.clock, wall: () => Date.now() + 60_000 } };
    await reconcileTenant(later, tenant);
    expect(await tenants.subjectsOf(tenant)).toMatch("stream not found");
    expect(await on.store.read(tenant)).toBeUndefined();
  });

  it("has limits set and roles taken away, and is told why it gives none", async () => {
    const tenant = await create();
    await changePolicy(on, tenant, setLimits({ connections: 1 }, "operator"));
    await changePolicy(on, tenant, bindSubject("bob", [], "operator"));
    expect((await on.store.read(tenant))?.policy.bindings.get("bob")).toEqual([]);
    await expect(changePolicy(on, tenant, bindSubject("bob", ["viewer"], "operator"))).rejects.toMatchObject({
      code: "document_invalid",
      message: expect.stringContaining("put a good one"),
    });
  });

  it("decides nothing until a good document is put in its place", async () => {
    const tenant = await create();
    await expect(on.snapshots.atLeast(tenant)).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("put a good one"),
    });
    await expect(put(tenant, BROKEN)).rejects.toMatchObject({ code: "document_invalid" });
    await expect(put(tenant, `${BROKEN} `)).rejects.toMatchObject({ code: "document_invalid" });
    const version = await put(tenant, `tenant: ${tenant}\nroles: { viewer: {} }\n`);
    expect((await on.snapshots.atLeast(tenant, version)).roleNames).toEqual(["viewer"]);
    expect((await tenants.policies.entries(tenant)).at(-1)).toEqual({
      ...version,
      version: version.number,
      number: undefined,
      all: true,
    });
  });

  it("is mended by its file", async () => {
    const tenant = await create();
    const bytes = Buffer.from(`tenant: ${tenant}\nroles: { editor: {} }\n`);
    expect(await applyFile(on, { name: `${tenant}.yaml`, tenant, bytes, hash: "h" }, "change")).toBeUndefined();
    expect((await on.snapshots.atLeast(tenant)).roleNames).toEqual(["editor"]);
  });

  it("holds up no start, also where its store has lost a version that was announced", async () => {
    const tenant = await create();
    const stored = (await on.store.read(tenant))!.policy.version;
    const { sequence } = await on.logs.lastPolicyEntry(tenant);
    const announced = { number: stored.number + 5, build: "lost" };
    expect(await on.logs.appendPolicyEntry(tenant, announced, { all: true }, sequence)).toBe(true);
    await checkTenants(on, log);
    expect((await on.store.read(tenant))?.policy.version.number).toBe(announced.number + 1);
    expect(await stateOf(tenant)).toBe("active");
  });

  it("is listed and shown, even where its document is gone from the store", async () => {
    const tenant = await create();
    await tenants.policies.parts.removeAll(tenant, await tenants.policies.parts.end());
    expect(await tenants.policies.deps.store.newest(tenant)).toMatchObject({ lifecycle: { state: "active" } });
  });
});
