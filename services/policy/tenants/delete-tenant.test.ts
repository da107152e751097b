import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTenants, type OpenTenants, subjectsWhile } from "#test/support/open-tenants.ts";
import { changePolicy, type PolicyChanging } from "../change-policy.ts";
import { bindSubject, setLimits, setState } from "../policy-change.ts";
import { applyFile } from "../watch/apply-file.ts";
import { createTenant } from "./create-tenant.ts";
import { keepTenant, settleTenant } from "./keep-tenant.ts";

const MINUTE_MS = 60_000;

const { open, closed } = subjectsWhile;

describe("a tenant that is deleted", () => {
  let tenants: OpenTenants;
  let on: PolicyChanging;
  let other: PolicyChanging;

  beforeAll(async () => {
    tenants = await openTenants();
    on = tenants.policies.changing;
    other = tenants.other.changing;
  });
  afterAll(() => tenants[Symbol.asyncDispose]());

  const later = (whole: PolicyChanging): PolicyChanging => ({
    ...whole,
    clock: { ...whole.clock, wall: () => Date.now() + MINUTE_MS },
  });
  const noting = (whole: PolicyChanging, told: string[]): PolicyChanging => ({
    ...whole,
    lives: {
      ...whole.lives,
      sessions: {
        end: async (tenant, version) => void told.push(`end ${tenant} ${version}`),
        restart: async (tenant, version) => void told.push(`restart ${tenant} ${version}`),
      },
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
    await keepTenant(on, tenant);
    expect(await tenants.subjectsOf(tenant)).toEqual(closed(tenant));

    await keepTenant(later(other), tenant);
    expect(await tenants.subjectsOf(tenant)).toMatch("stream not found");
    expect(await on.store.read(tenant)).toBeUndefined();
    expect(await on.store.history(tenant)).toEqual([]);
    await expect(on.snapshots.atLeast(tenant, { number: 1, build: "x" })).rejects.toMatchObject({
      code: expect.stringMatching(/tenant_unknown|unavailable/),
    });
    await keepTenant(later(on), tenant);
    expect(await on.lives.tombstones.read(tenant)).toEqual({ version: 2 });
  });

  it("and made anew is another one: new log, higher versions, sessions from now on", async () => {
    const tenant = await tenants.create();
    const told: string[] = [];
    const epochOf = async (): Promise<string | undefined> =>
      (await tenants.policies.manager.streams.info(`EVENTS_${tenant}`)).config.metadata?.["sluice_epoch"];
    const epoch = await epochOf();
    await changePolicy(on, tenant, setLimits({ connections: 1 }, "operator"));
    await tenants.become(tenant, "deleted");
    await keepTenant(later(on), tenant);
    expect(await createTenant(noting(other, told), tenant, "operator")).toBe(true);
    expect(told).toEqual([`restart ${tenant} 3`]);
    expect(await epochOf()).not.toBe(epoch);
    const { policy } = (await on.store.read(tenant))!;
    expect(policy).toMatchObject({ version: { number: 4 }, lifecycle: { state: "active" }, limits: {} });
    expect((await on.snapshots.atLeast(tenant, { number: 3, build: "x" })).version).toEqual(policy.version);
    expect(await on.store.history(tenant)).toHaveLength(1);
    await keepTenant(on, tenant);
    expect(await tenants.subjectsOf(tenant)).toEqual(open(tenant));
  });

  it("has its tombstone above every version that its log has announced", async () => {
    const tenant = await tenants.create();
    await tenants.become(tenant, "deleted");
    const { sequence } = await on.logs.lastPolicyEntry(tenant);
    await on.logs.appendPolicyEntry(tenant, { number: 40, build: "lost" }, { all: true }, sequence);
    await keepTenant(later(on), tenant);
    await createTenant(on, tenant, "operator");
    expect((await on.snapshots.atLeast(tenant)).version.number).toBeGreaterThan(41);
  });

  it("is not brought back by a file", async () => {
    const tenant = await tenants.create();
    const file = { name: `${tenant}.yaml`, tenant, bytes: Buffer.from(`tenant: ${tenant}\n`), hash: "h" };
    await tenants.become(tenant, "deleted");
    expect(await applyFile(on, file, "change")).toEqual({ reason: "deleted", faults: [] });
    await keepTenant(later(on), tenant);
    expect(await applyFile(on, file, "boot")).toEqual({ reason: "deleted", faults: [] });
    await createTenant(on, tenant, "operator");
    expect(await applyFile(on, file, "boot")).toBeUndefined();
  });

  const ended = async (): Promise<never> => Promise.reject(new Error("the process ended here"));
  const steps: Record<string, (whole: PolicyChanging) => PolicyChanging> = {
    "ending its sessions": ({ lives, ...whole }) => ({
      ...whole,
      lives: { ...lives, sessions: { ...lives.sessions, end: ended } },
    }),
    "closing its log": ({ lives, ...whole }) => ({
      ...whole,
      lives: { ...lives, logs: { ...lives.logs, close: ended } },
    }),
    "telling it in the log": ({ lives, ...whole }) => ({
      ...whole,
      lives: { ...lives, logs: { ...lives.logs, appendTenantEntry: ended } },
    }),
    "removing the log": ({ lives, ...whole }) => ({
      ...later(whole as PolicyChanging),
      lives: { ...lives, logs: { ...lives.logs, remove: ended } },
    }),
    "the tombstone": ({ lives, ...whole }) => ({
      ...later(whole as PolicyChanging),
      lives: { ...lives, tombstones: { ...lives.tombstones, bury: ended } },
    }),
  };

  it.each(Object.keys(steps))("is deleted to the end by another process when one ended before %s", async (step) => {
    const tenant = await tenants.create();
    const told: string[] = [];
    await changePolicy(on, tenant, setState("deleted", "operator"));
    await expect(settleTenant(steps[step]?.(on) ?? on, tenant)).rejects.toThrow("ended here");
    await keepTenant(noting(later(other), told), tenant);
    expect(await tenants.subjectsOf(tenant)).toMatch("stream not found");
    expect(await on.store.read(tenant)).toBeUndefined();
    expect(await on.lives.tombstones.read(tenant)).toEqual({ version: 2 });
  });

  it("is not deleted a second time by a process that comes late", async () => {
    const tenant = await tenants.create();
    await tenants.become(tenant, "deleted");
    const { revision } = (await on.store.read(tenant))!;
    await keepTenant(later(on), tenant);
    await createTenant(on, tenant, "operator");
    expect(await on.lives.tombstones.bury(tenant, { version: 2 }, revision)).toBe(false);
    await keepTenant(later(other), tenant);
    expect(await tenants.subjectsOf(tenant)).toEqual(open(tenant));
    expect((await on.store.read(tenant))?.policy.lifecycle.state).toBe("active");
  });
});
