import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTenants, type OpenTenants, subjectsWhile } from "#test/support/open-tenants.ts";
import { changePolicy } from "../change-policy.ts";
import type { TenantDeps } from "./tenant-deps.ts";
import { bindSubject, setLimits, setState } from "../changes/commands.ts";
import type { Lifecycle } from "../versions/stored-policy.ts";
import { createTenant } from "./create-tenant.ts";
import { reconcileTenant, reconcileLifecycle } from "./reconcile-tenant.ts";

const { open, closed } = subjectsWhile;

describe("a tenant", () => {
  let tenants: OpenTenants;
  let on: TenantDeps;
  let other: TenantDeps;

  beforeAll(async () => {
    tenants = await openTenants();
    on = tenants.policies.deps;
    other = tenants.other.deps;
  });
  afterAll(() => tenants[Symbol.asyncDispose]());

  describe("that is suspended", () => {
    it("takes no events, is told in its log behind the version, and answers nobody; resumed, all that is undone", async () => {
      const tenant = await tenants.create();
      const before = await tenants.streamOf(tenant);
      await tenants.become(tenant, "suspended");
      expect(await tenants.subjectsOf(tenant)).toEqual(closed(tenant));
      expect(await tenants.entriesOf(tenant)).toEqual([{ state: "suspended", version: 2 }]);
      expect((await tenants.policies.entries(tenant)).at(-1)).toMatchObject({ version: 2, roles: [], subjects: [] });
      await expect(on.snapshots.atLeast(tenant)).rejects.toMatchObject({ code: "tenant_suspended" });
      await expect(other.snapshots.atLeast(tenant)).rejects.toMatchObject({ code: "tenant_suspended" });
      await tenants.become(tenant, "active");
      expect(await tenants.subjectsOf(tenant)).toEqual(open(tenant));
      expect((await tenants.entriesOf(tenant)).at(-1)).toEqual({ state: "active", version: 3 });
      expect((await other.snapshots.atLeast(tenant, { number: 2, build: "" })).version.number).toBe(3);
      expect((await tenants.streamOf(tenant)) as object).toMatchObject({
        config: { metadata: (before as { config: { metadata: object } }).config.metadata },
      });
    });

    it("stays so through changes of its policy, another boot, and being made again", async () => {
      const tenant = await tenants.create();
      await tenants.become(tenant, "suspended");
      await changePolicy(on, tenant, bindSubject("bob", [], "carol"));
      await changePolicy(on, tenant, setLimits({ connections: 3 }, "operator"));
      await reconcileTenant(other, tenant);
      expect(await createTenant(other, tenant, "operator")).toBe(false);
      expect(await tenants.subjectsOf(tenant)).toEqual(closed(tenant));
      expect(await tenants.entriesOf(tenant)).toHaveLength(1);
    });

    it("again is no change", async () => {
      const tenant = await tenants.create();
      for (let time = 0; time < 3; time += 1) await tenants.become(tenant, "suspended");
      expect(await tenants.entriesOf(tenant)).toHaveLength(1);
      expect((await on.store.read(tenant))?.policy.version.number).toBe(2);
    });
  });

  describe("whose process ended between two steps", () => {
    const ended = async (): Promise<never> => Promise.reject(new Error("the process ended here"));
    const steps: Record<string, (whole: TenantDeps) => TenantDeps> = {
      "the store and the version in the log": (whole) => ({
        ...whole,
        logs: { ...whole.logs, appendPolicyEntry: ended },
      }),
      "the version in the log and the log's subjects": (whole) => ({
        ...whole,
        logs: { ...whole.logs, reconcile: ended },
      }),
      "the log's subjects and the entry in it": (whole) => ({
        ...whole,
        logs: { ...whole.logs, appendTenantEntry: ended },
      }),
    };

    it.each(Object.keys(steps))("%s is suspended, and resumed, by another one", async (step) => {
      const tenant = await tenants.create();
      for (const [state, subjects] of [
        ["suspended", closed(tenant)],
        ["active", open(tenant)],
      ] as const) {
        await expect(tenants.become(tenant, state, steps[step]?.(on))).rejects.toThrow("ended here");
        await reconcileTenant(other, tenant);
        expect(await tenants.subjectsOf(tenant)).toEqual(subjects);
        expect((await tenants.entriesOf(tenant)).at(-1)).toMatchObject({ state });
      }
    });
  });

  describe("that two processes change at once", () => {
    it("ends as the store says, whoever was slower", async () => {
      const tenant = await tenants.create();
      const both = [on, other];
      for (let round = 0; round < 10; round += 1) {
        const states = (round % 2 === 0 ? ["suspended", "active"] : ["active", "suspended"]) as Lifecycle["state"][];
        await Promise.all(both.map((each, index) => tenants.become(tenant, states[index] ?? "active", each)));
        const state = (await on.store.read(tenant))?.policy.lifecycle.state;
        expect(await tenants.subjectsOf(tenant)).toEqual(state === "active" ? open(tenant) : closed(tenant));
        expect((await tenants.entriesOf(tenant)).at(-1)).toMatchObject({ state });
      }
      const versions = (await tenants.entriesOf(tenant)).map(({ version }) => version);
      expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    });

    it("is put right by one that closed the log late", async () => {
      const tenant = await tenants.create();
      await changePolicy(on, tenant, setState("suspended", "operator"));
      const late = Promise.withResolvers<void>();
      const reached = Promise.withResolvers<void>();
      const slow: TenantDeps = {
        ...other,
        logs: {
          ...other.logs,
          reconcile: async (...wanted) => {
            reached.resolve();
            await late.promise;
            return other.logs.reconcile(...wanted);
          },
        },
      };
      const settling = reconcileLifecycle(slow, tenant);
      await reached.promise;
      await tenants.become(tenant, "active");
      late.resolve();
      await settling;
      expect(await tenants.subjectsOf(tenant)).toEqual(open(tenant));
      expect((await tenants.entriesOf(tenant)).at(-1)).toMatchObject({ state: "active" });
    });
  });

  it("whose state a store has lost is what its log says", async () => {
    const tenant = await tenants.create();
    const { policy } = (await on.store.read(tenant))!;
    await tenants.become(tenant, "suspended");
    await on.store.replace(tenant, policy, await on.store.read(tenant));
    await reconcileTenant(other, tenant);
    expect((await on.store.read(tenant))?.policy.lifecycle.state).toBe("suspended");
    expect(await tenants.subjectsOf(tenant)).toEqual(closed(tenant));
  });

  describe("whose store and log came back without the last versions, under processes that have it in force,", () => {
    const losing = async (tenant: string) => {
      const { policy } = (await on.store.read(tenant))!;
      await changePolicy(on, tenant, bindSubject("bob", [], "carol"));
      const lost = await changePolicy(on, tenant, bindSubject("dave", [], "carol"));
      await other.snapshots.atLeast(tenant, lost);
      await on.store.replace(tenant, policy, await on.store.read(tenant));
      await tenants.policies.manager.streams.purge(`EVENTS_${tenant}`, { filter: `control.${tenant}.policy` });
      return { policy, lost };
    };

    it("has what is stored announced and in force, above those", async () => {
      const tenant = await tenants.create();
      const { policy, lost } = await losing(tenant);
      await reconcileTenant(other, tenant);
      await reconcileTenant(on, tenant);
      const stored = (await on.store.read(tenant))!.policy;
      expect(stored.version.number).toBeGreaterThan(lost.number);
      expect(stored.bindings).toEqual(policy.bindings);
      for (const { snapshots } of [on, other]) expect(snapshots.find(tenant)?.version).toEqual(stored.version);
      expect((await tenants.policies.entries(tenant)).at(-1)).toMatchObject({ version: stored.version.number });
    });

    it("has a change in force as soon as it is answered", async () => {
      const tenant = await tenants.create();
      await losing(tenant);
      const changed = await changePolicy(on, tenant, bindSubject("alice", [], "carol"));
      expect(on.snapshots.find(tenant)?.version).toEqual(changed);
      expect((await other.snapshots.atLeast(tenant, changed)).version).toEqual(changed);
    });
  });

  it.each(["active", "suspended"] as const)(
    "whose log is gone while it is %s gets a new one, whose first entry is the policy in force",
    async (state) => {
      const { manager } = tenants.policies;
      const tenant = await tenants.create();
      await tenants.become(tenant, state);
      const epochOf = async () => (await manager.streams.info(`EVENTS_${tenant}`)).config.metadata?.["sluice_epoch"];
      const epoch = await epochOf();
      await manager.streams.delete(`EVENTS_${tenant}`);
      const made: unknown[] = [];
      const logs: TenantDeps["logs"] = {
        ...other.logs,
        appendPolicyEntry: async (...entry) => {
          made.push(await tenants.subjectsOf(tenant));
          return other.logs.appendPolicyEntry(...entry);
        },
      };
      await reconcileTenant({ ...other, logs }, tenant);
      expect(made).toEqual([closed(tenant)]);
      expect(await tenants.subjectsOf(tenant)).toEqual(state === "active" ? open(tenant) : closed(tenant));
      expect(await epochOf()).not.toBe(epoch);
      const { version } = (await on.store.read(tenant))!.policy;
      expect((await manager.streams.getMessage(`EVENTS_${tenant}`, { seq: 1 }))?.json()).toEqual({
        version: version.number,
        build: version.build,
        all: true,
      });
    },
  );

  describe("with limits", () => {
    it("has the log keep no more, and what it does not say is the default", async () => {
      const tenant = await tenants.create();
      const limits = { historyBytes: 2 * 1024 * 1024, historyAgeSeconds: 600, connections: 7 };
      await changePolicy(on, tenant, setLimits(limits, "operator"));
      await reconcileLifecycle(on, tenant);
      const nanosOf = (seconds: number): number => seconds * 1_000_000_000;
      expect(await tenants.streamOf(tenant)).toMatchObject({
        config: { max_bytes: 2 * 1024 * 1024, max_age: nanosOf(600), subjects: open(tenant) },
      });
      expect((await other.snapshots.atLeast(tenant)).standing).toEqual({ state: "active", limits });
      await changePolicy(on, tenant, setLimits({ connections: 7 }, "operator"));
      await reconcileLifecycle(on, tenant);
      expect(await tenants.streamOf(tenant)).toMatchObject({
        config: { max_bytes: 64 * 1024 * 1024, max_age: nanosOf(3_600) },
      });
    });

    it("has them put right by the check when somebody changed the log, or a process ended half-way", async () => {
      const tenant = await tenants.create();
      await changePolicy(on, tenant, setLimits({ historyBytes: 2 * 1024 * 1024 }, "operator"));
      await reconcileTenant(other, tenant);
      expect(await tenants.streamOf(tenant)).toMatchObject({ config: { max_bytes: 2 * 1024 * 1024 } });
      await tenants.policies.manager.streams.update(`EVENTS_${tenant}`, { max_bytes: -1 });
      await reconcileTenant(other, tenant);
      expect(await tenants.streamOf(tenant)).toMatchObject({ config: { max_bytes: 2 * 1024 * 1024 } });
    });
  });
});
