import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type OpenPolicies, openPolicies } from "#test/support/open-policies.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { changePolicy, type PolicyChanging } from "../change-policy.ts";
import { bindSubject, setLimits, setState } from "../policy-change.ts";
import type { Lifecycle } from "../store/stored-policy.ts";
import { applyFile } from "../watch/apply-file.ts";
import { createTenant } from "./create-tenant.ts";
import { keepTenant, settleTenant } from "./keep-tenant.ts";

const MINUTE_MS = 60_000;

describe("a tenant", () => {
  let nats: NatsServer;
  let policies: OpenPolicies;
  let other: OpenPolicies;
  let on: PolicyChanging;
  let tenants = 0;

  beforeAll(async () => {
    nats = await startNats();
    policies = await openPolicies(nats.url("policy"));
    other = await openPolicies(nats.url("policy"));
    on = policies.changing;
  });
  afterAll(async () => {
    await policies[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
    await nats[Symbol.asyncDispose]();
  });

  const newTenant = async (): Promise<string> => {
    tenants += 1;
    await createTenant(on, `t${tenants}`, "operator");
    return `t${tenants}`;
  };
  const become = async (tenant: string, state: Lifecycle["state"], by = on): Promise<void> => {
    await changePolicy(by, tenant, setState(state, "operator"));
    await settleTenant(by, tenant);
  };
  const streamOf = async (tenant: string) =>
    policies.manager.streams.info(`EVENTS_${tenant}`).catch((error: Error) => error.message);
  const subjectsOf = async (tenant: string): Promise<unknown> => {
    const stream = await streamOf(tenant);
    return typeof stream === "string" ? stream : stream.config.subjects;
  };
  const entriesOf = async (tenant: string): Promise<unknown[]> => {
    const { state } = await policies.manager.streams.info(`EVENTS_${tenant}`);
    const entries: unknown[] = [];
    for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
      const message = await policies.manager.streams.getMessage(`EVENTS_${tenant}`, { seq });
      if (message?.subject === `control.${tenant}.tenant`) entries.push(message.json());
    }
    return entries;
  };
  const open = (tenant: string): string[] => [`events.${tenant}.>`, `control.${tenant}.>`];
  const closed = (tenant: string): string[] => [`control.${tenant}.>`];

  describe("that is suspended", () => {
    it("takes no events, is told in its log behind the version, and answers nobody; resumed, all that is undone", async () => {
      const tenant = await newTenant();
      const before = await streamOf(tenant);
      await become(tenant, "suspended");
      expect(await subjectsOf(tenant)).toEqual(closed(tenant));
      expect(await entriesOf(tenant)).toEqual([{ state: "suspended", version: 2 }]);
      expect((await policies.entries(tenant)).at(-1)).toMatchObject({ version: 2, roles: [], subjects: [] });
      await expect(on.snapshots.atLeast(tenant)).rejects.toMatchObject({ code: "tenant_suspended" });
      await expect(other.changing.snapshots.atLeast(tenant)).rejects.toMatchObject({ code: "tenant_suspended" });
      await become(tenant, "active");
      expect(await subjectsOf(tenant)).toEqual(open(tenant));
      expect((await entriesOf(tenant)).at(-1)).toEqual({ state: "active", version: 3 });
      expect((await other.changing.snapshots.atLeast(tenant, { number: 2, build: "" })).version.number).toBe(3);
      expect((await streamOf(tenant)) as object).toMatchObject({
        config: { metadata: (before as { config: { metadata: object } }).config.metadata },
      });
    });

    it("stays so through changes of its policy, another boot, and being made again", async () => {
      const tenant = await newTenant();
      await become(tenant, "suspended");
      await changePolicy(on, tenant, bindSubject("bob", [], "carol"));
      await changePolicy(on, tenant, setLimits({ connections: 3 }, "operator"));
      await keepTenant(other.changing, tenant);
      expect(await createTenant(other.changing, tenant, "operator")).toBe(false);
      expect(await subjectsOf(tenant)).toEqual(closed(tenant));
      expect(await entriesOf(tenant)).toHaveLength(1);
    });

    it("again is no change", async () => {
      const tenant = await newTenant();
      for (let time = 0; time < 3; time += 1) await become(tenant, "suspended");
      expect(await entriesOf(tenant)).toHaveLength(1);
      expect((await on.store.read(tenant))?.policy.version.number).toBe(2);
    });
  });

  describe("whose process ended between two steps", () => {
    const ended = async (): Promise<never> => Promise.reject(new Error("the process ended here"));
    const steps: Record<string, (whole: PolicyChanging) => PolicyChanging> = {
      "the store and the version in the log": (whole) => ({
        ...whole,
        logs: { ...whole.logs, appendPolicyEntry: ended },
      }),
      "the version in the log and the log's subjects": (whole) => ({
        ...whole,
        logs: { ...whole.logs, ensure: ended },
      }),
      "the log's subjects and the entry in it": (whole) => ({
        ...whole,
        lives: { ...whole.lives, logs: { ...whole.lives.logs, appendTenantEntry: ended } },
      }),
    };

    it.each(Object.keys(steps))("%s is suspended, and resumed, by another one", async (step) => {
      const tenant = await newTenant();
      for (const [state, subjects] of [
        ["suspended", closed(tenant)],
        ["active", open(tenant)],
      ] as const) {
        await expect(become(tenant, state, steps[step]?.(on))).rejects.toThrow("ended here");
        await keepTenant(other.changing, tenant);
        expect(await subjectsOf(tenant)).toEqual(subjects);
        expect((await entriesOf(tenant)).at(-1)).toMatchObject({ state });
      }
    });
  });

  describe("that two processes change at once", () => {
    it("ends as the store says, whoever was slower", async () => {
      const tenant = await newTenant();
      const both = [on, other.changing];
      for (let round = 0; round < 10; round += 1) {
        const states = (round % 2 === 0 ? ["suspended", "active"] : ["active", "suspended"]) as Lifecycle["state"][];
        await Promise.all(both.map((each, index) => become(tenant, states[index] ?? "active", each)));
        const state = (await on.store.read(tenant))?.policy.lifecycle.state;
        expect(await subjectsOf(tenant)).toEqual(state === "active" ? open(tenant) : closed(tenant));
        expect((await entriesOf(tenant)).at(-1)).toMatchObject({ state });
      }
      const versions = (await entriesOf(tenant)).map((entry) => (entry as { version: number }).version);
      expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    });

    it("is put right by one that closed the log late", async () => {
      const tenant = await newTenant();
      await changePolicy(on, tenant, setState("suspended", "operator"));
      const late = Promise.withResolvers<void>();
      const reached = Promise.withResolvers<void>();
      const slow: PolicyChanging = {
        ...other.changing,
        logs: {
          ...other.changing.logs,
          ensure: async (...wanted) => {
            reached.resolve();
            await late.promise;
            return other.changing.logs.ensure(...wanted);
          },
        },
      };
      const settling = settleTenant(slow, tenant);
      await reached.promise;
      await become(tenant, "active");
      late.resolve();
      await settling;
      expect(await subjectsOf(tenant)).toEqual(open(tenant));
      expect((await entriesOf(tenant)).at(-1)).toMatchObject({ state: "active" });
    });
  });

  it("whose state a store has lost is what its log says", async () => {
    const tenant = await newTenant();
    const { policy } = (await on.store.read(tenant))!;
    await become(tenant, "suspended");
    const { revision } = (await on.store.read(tenant))!;
    await on.store.replace(tenant, policy, revision);
    await keepTenant(other.changing, tenant);
    expect((await on.store.read(tenant))?.policy.lifecycle.state).toBe("suspended");
    expect(await subjectsOf(tenant)).toEqual(closed(tenant));
  });

  describe("with limits", () => {
    it("has the log keep no more, and what it does not say is the default", async () => {
      const tenant = await newTenant();
      const limits = { historyBytes: 2 * 1024 * 1024, historyAgeSeconds: 600, connections: 7 };
      await changePolicy(on, tenant, setLimits(limits, "operator"));
      await settleTenant(on, tenant);
      const nanosOf = (seconds: number): number => seconds * 1_000_000_000;
      expect(await streamOf(tenant)).toMatchObject({
        config: { max_bytes: 2 * 1024 * 1024, max_age: nanosOf(600), subjects: open(tenant) },
      });
      expect((await other.changing.snapshots.atLeast(tenant)).standing).toEqual({ state: "active", maxConnections: 7 });
      await changePolicy(on, tenant, setLimits({ connections: 7 }, "operator"));
      await settleTenant(on, tenant);
      expect(await streamOf(tenant)).toMatchObject({
        config: { max_bytes: 64 * 1024 * 1024, max_age: nanosOf(3_600) },
      });
    });

    it("has them put right by the check when somebody changed the log, or a process ended half-way", async () => {
      const tenant = await newTenant();
      await changePolicy(on, tenant, setLimits({ historyBytes: 2 * 1024 * 1024 }, "operator"));
      await keepTenant(other.changing, tenant);
      expect(await streamOf(tenant)).toMatchObject({ config: { max_bytes: 2 * 1024 * 1024 } });
      await policies.manager.streams.update(`EVENTS_${tenant}`, { max_bytes: -1 });
      await keepTenant(other.changing, tenant);
      expect(await streamOf(tenant)).toMatchObject({ config: { max_bytes: 2 * 1024 * 1024 } });
    });
  });

  describe("that is deleted", () => {
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
      const tenant = await newTenant();
      const told: string[] = [];
      await become(tenant, "deleted", noting(on, told));
      expect(told).toEqual([`end ${tenant} 2`]);
      expect(await subjectsOf(tenant)).toEqual(closed(tenant));
      expect(await entriesOf(tenant)).toEqual([{ state: "deleted", version: 2 }]);
      await expect(on.snapshots.atLeast(tenant)).rejects.toMatchObject({ code: "tenant_unknown" });
      await expect(become(tenant, "active")).rejects.toMatchObject({ code: "tenant_deleted" });
      const binding = changePolicy(on, tenant, bindSubject("bob", [], "carol"));
      await expect(binding).rejects.toMatchObject({ code: "tenant_deleted" });
      await expect(createTenant(on, tenant, "operator")).rejects.toMatchObject({ code: "tenant_deleted" });
      await keepTenant(on, tenant);
      expect(await subjectsOf(tenant)).toEqual(closed(tenant));

      await keepTenant(later(other.changing), tenant);
      expect(await subjectsOf(tenant)).toMatch("stream not found");
      expect(await on.store.read(tenant)).toBeUndefined();
      expect(await on.store.history(tenant)).toEqual([]);
      await expect(on.snapshots.atLeast(tenant, { number: 1, build: "x" })).rejects.toMatchObject({
        code: expect.stringMatching(/tenant_unknown|unavailable/),
      });
      await keepTenant(later(on), tenant);
      expect(await on.lives.tombstones.read(tenant)).toEqual({ version: 2 });
    });

    it("and made anew is another one: new log, higher versions, sessions from now on", async () => {
      const tenant = await newTenant();
      const told: string[] = [];
      const epochOf = async (): Promise<string | undefined> =>
        (await policies.manager.streams.info(`EVENTS_${tenant}`)).config.metadata?.["sluice_epoch"];
      const epoch = await epochOf();
      await changePolicy(on, tenant, setLimits({ connections: 1 }, "operator"));
      await become(tenant, "deleted");
      await keepTenant(later(on), tenant);
      expect(await createTenant(noting(other.changing, told), tenant, "operator")).toBe(true);
      expect(told).toEqual([`restart ${tenant} 3`]);
      expect(await epochOf()).not.toBe(epoch);
      const { policy } = (await on.store.read(tenant))!;
      expect(policy).toMatchObject({ version: { number: 4 }, lifecycle: { state: "active" }, limits: {} });
      expect((await on.snapshots.atLeast(tenant, { number: 3, build: "x" })).version).toEqual(policy.version);
      expect(await on.store.history(tenant)).toHaveLength(1);
      await keepTenant(on, tenant);
      expect(await subjectsOf(tenant)).toEqual(open(tenant));
    });

    it("is not brought back by a file", async () => {
      const tenant = await newTenant();
      const file = { name: `${tenant}.yaml`, tenant, bytes: Buffer.from(`tenant: ${tenant}\n`), hash: "h" };
      await become(tenant, "deleted");
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
      const tenant = await newTenant();
      const told: string[] = [];
      await changePolicy(on, tenant, setState("deleted", "operator"));
      await expect(settleTenant(steps[step]?.(on) ?? on, tenant)).rejects.toThrow("ended here");
      await keepTenant(noting(later(other.changing), told), tenant);
      expect(await subjectsOf(tenant)).toMatch("stream not found");
      expect(await on.store.read(tenant)).toBeUndefined();
      expect(await on.lives.tombstones.read(tenant)).toEqual({ version: 2 });
    });

    it("is not deleted a second time by a process that comes late", async () => {
      const tenant = await newTenant();
      await become(tenant, "deleted");
      const { revision } = (await on.store.read(tenant))!;
      await keepTenant(later(on), tenant);
      await createTenant(on, tenant, "operator");
      expect(await on.lives.tombstones.bury(tenant, { version: 2 }, revision)).toBe(false);
      await keepTenant(later(other.changing), tenant);
      expect(await subjectsOf(tenant)).toEqual(open(tenant));
      expect((await on.store.read(tenant))?.policy.lifecycle.state).toBe("active");
    });
  });
});
