import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTenants, type OpenTenants, subjectsWhile } from "#test/support/open-tenants.ts";
import { changePolicy } from "../change-policy.ts";
import type { TenantDeps } from "./tenant-deps.ts";
import { bindSubject, setLimits, setState } from "../changes/commands.ts";
import { applyFile } from "../watch/apply-file.ts";
import { createTenant } from "./create-tenant.ts";
import { reconcileTenant, reconcileLifecycle } from "./reconcile-tenant.ts";

const MINUTE_MS = 60_000;

const { open, closed } = subjectsWhile;

describe("a tenant that is deleted", () => {
  let tenants: OpenTenants;
  let on: TenantDeps;
  let other: TenantDeps;

  beforeAll(async () => {
    tenants = await openTenants();
    on = tenants.policies.deps;
    other = tenants.other.deps;
  });
  afterAll(() => tenants[Symbol.asyncDispose]());

  const later = (whole: TenantDeps): TenantDeps => ({
    ...whole,
    clock: { ...whole.clock, wall: () => Date.now() + MINUTE_MS },
  });
  const noting = (whole: TenantDeps, told: string[]): TenantDeps => ({
    ...whole,
    sessions: {
      end: async (tenant, version) => void told.push(`end ${tenant} ${version}`),
      restart: async (tenant, version) => void told.push(`restart ${tenant} ${version}`),
    },
  });

  it("ends its sessions and its streams, keeps its log for a minute, and leaves a tombstone", async () => {
    const tenant = await tenants.create();
    const told: string[] = [];
    await tenants.become(tenant, "deleted", noting(on, told));
    expect(told).toEqual([`end ${tenant} 2`]);
    expect(await tenants.subjectsOf(tenant)).toEqual(closed(tenant));
    expect(await tenants.entriesOf(tenant)).toEqual([{ state: "deleted", version: 2 }]);
    await expect(on.snapshots.atLeast(tenant)).rejects.toMatchObject({ code: "tenant_unknown" });
    await expect(tenants.become(tenant, "active")).rejects.toMatchObject({ code: "tenant_deleted" });
    const binding = changePolicy(on, tenant, bindSubject("bob", [], "carol"));
    await expect(binding).rejects.toMatchObject({ code: "tenant_deleted" });
    await expect(createTenant(on, tenant, "operator")).rejects.toMatchObject({ code: "tenant_deleted" });
    await reconcileTenant(on, tenant);
    expect(await tenants.subjectsOf(tenant)).toEqual(closed(tenant));

    await reconcileTenant(later(other), tenant);
    expect(await tenants.subjectsOf(tenant)).toMatch("stream not found");
    expect(await on.store.read(tenant)).toBeUndefined();
    expect(await on.store.history(tenant)).toEqual([]);
    await expect(on.snapshots.atLeast(tenant, { number: 1, build: "x" })).rejects.toMatchObject({
      code: expect.stringMatching(/tenant_unknown|unavailable/),
    });
    await reconcileTenant(later(on), tenant);
    expect(await on.tombstones.read(tenant)).toEqual({ version: 2 });
  });

  it("and made anew is another one: new log, higher versions, sessions from now on", async () => {
    const tenant = await tenants.create();
    const told: string[] = [];
    const epochOf = async (): Promise<string | undefined> =>
      (await tenants.policies.manager.streams.info(`EVENTS_${tenant}`)).config.metadata?.["sluice_epoch"];
    const epoch = await epochOf();
    await changePolicy(on, tenant, setLimits({ connections: 1 }, "operator"));
    await tenants.become(tenant, "deleted");
    await reconcileTenant(later(on), tenant);
    expect(await createTenant(noting(other, told), tenant, "operator")).toBe(true);
    expect(told).toEqual([`restart ${tenant} 3`]);
    expect(await epochOf()).not.toBe(epoch);
    const { policy } = (await on.store.read(tenant))!;
    expect(policy).toMatchObject({ version: { number: 4 }, lifecycle: { state: "active" }, limits: {} });
    expect((await on.snapshots.atLeast(tenant, { number: 3, build: "x" })).version).toEqual(policy.version);
    expect(await on.store.history(tenant)).toHaveLength(1);
    await reconcileTenant(on, tenant);
    expect(await tenants.subjectsOf(tenant)).toEqual(open(tenant));
  });

  it("has its tombstone above every version that its log has announced", async () => {
    const tenant = await tenants.create();
    await tenants.become(tenant, "deleted");
    const { sequence } = await on.logs.lastPolicyEntry(tenant);
    await on.logs.appendPolicyEntry(tenant, { number: 40, build: "lost" }, { all: true }, sequence);
    await reconcileTenant(later(on), tenant);
    await createTenant(on, tenant, "operator");
    expect((await on.snapshots.atLeast(tenant)).version.number).toBeGreaterThan(41);
  });

  it("is not brought back by a file", async () => {
    const tenant = await tenants.create();
    const file = { name: `${tenant}.yaml`, tenant, bytes: Buffer.from(`tenant: ${tenant}\n`), hash: "h" };
    await tenants.become(tenant, "deleted");
    expect(await applyFile(on, file, "change")).toEqual({ reason: "deleted", faults: [] });
    await reconcileTenant(later(on), tenant);
    expect(await applyFile(on, file, "boot")).toEqual({ reason: "deleted", faults: [] });
    await createTenant(on, tenant, "operator");
    expect(await applyFile(on, file, "boot")).toBeUndefined();
  });

  const ended = async (): Promise<never> => Promise.reject(new Error("the process ended here"));
  const steps: Record<string, (whole: TenantDeps) => TenantDeps> = {
    "ending its sessions": (whole) => ({
      ...whole,
      sessions: { ...whole.sessions, end: ended },
    }),
    "closing its log": (whole) => ({
      ...whole,
      logs: { ...whole.logs, close: ended },
    }),
    "telling it in the log": (whole) => ({
      ...whole,
      logs: { ...whole.logs, appendTenantEntry: ended },
    }),
    "removing the log": (whole) => ({
      ...later(whole),
      logs: { ...whole.logs, remove: ended },
    }),
    "the tombstone": (whole) => ({
      ...later(whole),
      tombstones: { ...whole.tombstones, bury: ended },
    }),
  };

  it.each(Object.keys(steps))("is deleted to the end by another process when one ended before %s", async (step) => {
    const tenant = await tenants.create();
    const told: string[] = [];
    await changePolicy(on, tenant, setState("deleted", "operator"));
    await expect(reconcileLifecycle(steps[step]?.(on) ?? on, tenant)).rejects.toThrow("ended here");
    await reconcileTenant(noting(later(other), told), tenant);
    expect(await tenants.subjectsOf(tenant)).toMatch("stream not found");
    expect(await on.store.read(tenant)).toBeUndefined();
    expect(await on.tombstones.read(tenant)).toEqual({ version: 2 });
  });

  it("is not deleted a second time by a process that comes late", async () => {
    const tenant = await tenants.create();
    await tenants.become(tenant, "deleted");
    const { revision } = (await on.store.read(tenant))!;
    await reconcileTenant(later(on), tenant);
    await createTenant(on, tenant, "operator");
    expect(await on.tombstones.bury(tenant, { version: 2 }, revision)).toBe(false);
    await reconcileTenant(later(other), tenant);
    expect(await tenants.subjectsOf(tenant)).toEqual(open(tenant));
    expect((await on.store.read(tenant))?.policy.lifecycle.state).toBe("active");
  });
});
