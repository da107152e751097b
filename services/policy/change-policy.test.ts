import { compileHere } from "#test/support/compile-here.ts";
import { jetstream } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLogger } from "#shared/log/create-logger.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { waitFor } from "#test/support/wait.ts";
import { changePolicy } from "./change-policy.ts";
import type { TenantDeps } from "./tenants/tenant-deps.ts";
import { decide } from "./decide/decide.ts";
import { decodeGrant } from "./decide/grant.ts";
import { resolveSubject } from "./decide/resolve-subject.ts";
import { bindSubject, putDocument, takeFile } from "./changes/commands.ts";
import { Snapshots } from "./versions/snapshots.ts";
import { createTenant } from "./tenants/create-tenant.ts";
import { reconcileAnnouncement } from "./tenants/reconcile-announcement.ts";
import { reconcileTenants } from "./tenants/reconcile-tenants.ts";
import { openPolicies, type OpenPolicies } from "#test/support/open-policies.ts";

const log = createLogger("test", "silent");

const documentOf = (tenant: string, viewer: string[]): string =>
  JSON.stringify({
    tenant,
    roles: { viewer: { allow: viewer }, heir: { inherits: ["viewer"] }, other: {} },
    bindings: [{ role: "viewer", subjects: ["alice"] }],
    events: { "order.*": "order:read" },
  });

const put = (text: string, expected?: number) =>
  putDocument(text, { kind: "document", by: "carol", why: "a test", expected, files: { isThere: () => true } });

const endHere: TenantDeps["logs"]["appendPolicyEntry"] = async () => {
  throw new Error("the process ended here");
};

const cutOff = (on: TenantDeps): TenantDeps => ({ ...on, logs: { ...on.logs, appendPolicyEntry: endHere } });

describe("changing a policy", () => {
  let nats: NatsServer;
  let policies: OpenPolicies;
  let on: TenantDeps;
  let tenants = 0;

  beforeAll(async () => {
    nats = await startNats();
    policies = await openPolicies(nats.url("policy"));
    on = policies.deps;
  });
  afterAll(async () => {
    await policies[Symbol.asyncDispose]();
    await nats[Symbol.asyncDispose]();
  });

  const newTenant = async (viewer: string[] = ["order:read"]): Promise<string> => {
    tenants += 1;
    const tenant = `t${tenants}`;
    await createTenant(on, tenant, "operator");
    await changePolicy(on, tenant, put(documentOf(tenant, viewer)));
    return tenant;
  };
  const lastEntry = async (tenant: string) => (await policies.entries(tenant)).at(-1);

  it("a new tenant has a log of the contract's settings, and a first version that allows nothing", async () => {
    expect(await createTenant(on, "fresh", "operator")).toBe(true);
    expect(await createTenant(on, "fresh", "operator")).toBe(false);
    const { config } = await policies.manager.streams.info("EVENTS_fresh");
    expect(config).toMatchObject({
      subjects: ["events.fresh.>", "control.fresh.>"],
      storage: "file",
      retention: "limits",
      discard: "old",
      allow_direct: true,
      deny_delete: true,
      deny_purge: false,
      max_msgs_per_subject: -1,
      duplicate_window: 120_000_000_000,
      metadata: { sluice_epoch: expect.stringMatching(/^[0-9a-f]{12}$/) },
    });
    expect(config.allow_msg_ttl ?? false).toBe(false);
    const { version, roleNames } = await on.snapshots.atLeast("fresh");
    expect([version.number, version.build, roleNames.length]).toEqual([1, expect.stringMatching(/^[0-9a-f]{8}$/), 0]);
    expect(await policies.entries("fresh")).toEqual([{ version: 1, build: version.build, all: true }]);
  });

  it("the store of policies is on disk, keeps 64 versions, and is read from its leader", async () => {
    const { config } = await policies.manager.streams.info("KV_sluice_policy");
    expect(config).toMatchObject({ storage: "file", max_msgs_per_subject: 64, allow_direct: false });
  });

  it("is announced, with whom it concerns, when the version is answered", async () => {
    const tenant = await newTenant();
    const version = await changePolicy(on, tenant, put(documentOf(tenant, ["order:read", "note:read"])));
    expect(version.number).toBe(3);
    expect(await lastEntry(tenant)).toEqual({
      version: 3,
      build: version.build,
      roles: ["heir", "viewer"],
      subjects: [],
    });
    expect((await on.snapshots.atLeast(tenant, version)).version).toEqual(version);
  });

  it("names the subject whose roles were set, and the roles outlive the next document", async () => {
    const tenant = await newTenant();
    const version = await changePolicy(on, tenant, bindSubject("bob", ["viewer", "viewer"], "carol"));
    expect(await lastEntry(tenant)).toMatchObject({ version: version.number, roles: [], subjects: ["bob"] });
    await changePolicy(on, tenant, put(documentOf(tenant, ["note:read"])));
    expect((await on.snapshots.atLeast(tenant)).httpBindings.get("bob")).toEqual(["viewer"]);
    await changePolicy(on, tenant, bindSubject("bob", undefined, "carol"));
    expect(await lastEntry(tenant)).toMatchObject({ roles: [], subjects: ["bob"] });
  });

  it("that changes nothing makes no version, but sees to it that the version is announced", async () => {
    const tenant = await newTenant();
    const before = await policies.entries(tenant);
    await changePolicy(on, tenant, put(documentOf(tenant, ["order:read"])));
    await changePolicy(on, tenant, bindSubject("nobody", undefined, "carol"));
    expect(await policies.entries(tenant)).toEqual(before);
    await policies.manager.streams.purge(`EVENTS_${tenant}`);
    await changePolicy(on, tenant, put(documentOf(tenant, ["order:read"])));
    expect(await policies.entries(tenant)).toEqual([
      { ...before.at(-1), roles: undefined, subjects: undefined, all: true },
    ]);
  });

  it("is refused with every fault, and leaves version and log alone", async () => {
    const tenant = await newTenant();
    const before = await policies.entries(tenant);
    await expect(changePolicy(on, tenant, put("tenant: x\nroles: []"))).rejects.toMatchObject({
      code: "document_invalid",
    });
    await expect(changePolicy(on, tenant, bindSubject("bob", ["ghost"], "x"))).rejects.toThrow("no role ghost");
    await expect(changePolicy(on, "nowhere", bindSubject("bob", [], "x"))).rejects.toMatchObject({
      code: "tenant_unknown",
    });
    expect(await policies.entries(tenant)).toEqual(before);
  });

  it("is refused where the sender has seen another version", async () => {
    const tenant = await newTenant();
    await expect(changePolicy(on, tenant, put(documentOf(tenant, []), 1))).rejects.toMatchObject({
      code: "version_conflict",
    });
    expect((await changePolicy(on, tenant, put(documentOf(tenant, []), 2))).number).toBe(3);
  });

  it("is refused over HTTP where the document comes from a file, and names the file", async () => {
    const tenant = await newTenant();
    await changePolicy(on, tenant, takeFile(documentOf(tenant, []), { name: "t.yaml", hash: "h" }));
    await expect(changePolicy(on, tenant, put("x"))).rejects.toThrow("t.yaml");
    expect((await changePolicy(on, tenant, bindSubject("bob", ["other"], "carol"))).number).toBe(4);
  });

  it("that the store cannot take is refused, and the version before stays", async () => {
    const tenant = await newTenant();
    const large = `${documentOf(tenant, [])}\n#${"x".repeat(1024 * 1024 - 500)}`;
    await expect(changePolicy(on, tenant, put(large))).rejects.toMatchObject({ code: "body_too_large" });
    expect((await on.snapshots.atLeast(tenant)).version.number).toBe(2);
  });

  it("by many at once loses none: each gets a version of its own, and the log's versions only rise", async () => {
    await using second = await openPolicies(nats.url("policy"));
    const tenant = await newTenant();
    const subjects = Array.from({ length: 20 }, (_, index) => `s${index}`);
    const versions = await Promise.all(
      subjects.map((subject, index) =>
        changePolicy(index % 2 === 0 ? on : second.deps, tenant, bindSubject(subject, ["other"], "carol")),
      ),
    );
    expect(versions.map(({ number }) => number).toSorted((a, b) => a - b)).toEqual(
      subjects.map((_, index) => index + 3),
    );
    const { httpBindings } = await on.snapshots.atLeast(tenant);
    expect(Array.from(httpBindings, ([subject]) => subject).toSorted()).toEqual(subjects.toSorted());
    const entries = await policies.entries(tenant);
    const numbers = entries.map(({ version }) => version);
    expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
    expect(numbers.at(-1)).toBe(22);
    const skipped = entries.filter((entry, index) => entry.version !== (numbers[index - 1] ?? 0) + 1);
    expect(skipped.every(({ all }) => all)).toBe(true);
  });

  it("of another process is followed here, without asking the store", async () => {
    await using second = await openPolicies(nats.url("policy"));
    const followed = new Snapshots({
      store: { read: () => Promise.reject(new Error("not to be asked")) },
      compiler: compileHere(),
      onSwap: () => undefined,
    });
    const stop = new AbortController();
    const following = policies.store.follow(
      async (tenant, policy) => void (policy && (await followed.adopt(tenant, policy))),
      stop.signal,
    );
    const tenant = await newTenant();
    const version = await changePolicy(second.deps, tenant, bindSubject("bob", ["viewer"], "carol"));
    const snapshot = await waitFor("the version arrives", () =>
      followed.atLeast(tenant, version).catch(() => undefined),
    );
    expect(decide(snapshot, decodeGrant(snapshot, "viewer@"), "order:read")).toBe(true);
    expect(snapshot.httpBindings.get("bob")).toEqual(["viewer"]);
    stop.abort();
    await following;
  });

  it("never takes a process back to an older version", async () => {
    const tenant = await newTenant();
    const old = (await on.store.read(tenant))!.policy;
    const version = await changePolicy(on, tenant, bindSubject("bob", ["viewer"], "carol"));
    expect((await on.snapshots.adopt(tenant, old)).version).toEqual(version);
  });

  it("answers only from a version that is at least the one asked for, down to the build", async () => {
    const tenant = await newTenant();
    const { version } = await on.snapshots.atLeast(tenant);
    expect((await on.snapshots.atLeast(tenant, version)).version).toEqual(version);
    for (const wanted of [
      { ...version, build: "00000000" },
      { ...version, number: version.number + 1 },
    ]) {
      await expect(on.snapshots.atLeast(tenant, wanted)).rejects.toMatchObject({ code: "unavailable" });
    }
    await expect(on.snapshots.atLeast("nowhere")).rejects.toMatchObject({ code: "tenant_unknown" });
  });

  it("is in force once acknowledged: in the log, and for whoever asks any process for at least that version", async () => {
    await using second = await openPolicies(nats.url("policy"));
    const stop = new AbortController();
    const checking = reconcileTenants(second.deps, { everyMs: 1, stop: stop.signal, log });
    const tenant = await newTenant();
    const bob = { id: "bob", roles: [], groups: [] };
    for (let round = 0; round < 40; round += 1) {
      const roles = round % 2 === 0 ? ["viewer"] : [];
      const version = await changePolicy(on, tenant, bindSubject("bob", roles, "carol"));
      const announced = (await on.logs.lastPolicyEntry(tenant)).version;
      expect(announced).toEqual(version);
      const snapshot = await second.deps.snapshots.atLeast(tenant, announced);
      expect(resolveSubject(snapshot, bob, Date.now()).roles).toEqual(roles);
    }
    stop.abort();
    await checking;
    const numbers = (await policies.entries(tenant)).map(({ version }) => version);
    expect(numbers).toEqual(Array.from({ length: 42 }, (_, index) => index + 1));
  });

  describe("whose announcement is missing", () => {
    it("is announced to everyone by the check", async () => {
      const tenant = await newTenant();
      await expect(changePolicy(cutOff(on), tenant, bindSubject("bob", ["viewer"], "carol"))).rejects.toThrow(
        "ended here",
      );
      expect(await lastEntry(tenant)).toMatchObject({ version: 2 });
      const stop = new AbortController();
      const checking = reconcileTenants(on, { everyMs: 20, stop: stop.signal, log });
      await waitFor("the version is announced", async () => (await lastEntry(tenant))?.version === 3);
      stop.abort();
      await checking;
      expect(await lastEntry(tenant)).toMatchObject({ version: 3, all: true });
      const before = await policies.entries(tenant);
      await reconcileAnnouncement(on, tenant);
      expect(await policies.entries(tenant)).toEqual(before);
    });

    it("is made good by the next change, which then names everyone", async () => {
      const tenant = await newTenant();
      await expect(changePolicy(cutOff(on), tenant, bindSubject("bob", ["viewer"], "carol"))).rejects.toThrow(
        "ended here",
      );
      await changePolicy(on, tenant, bindSubject("dave", ["viewer"], "carol"));
      expect(await lastEntry(tenant)).toMatchObject({ version: 4, all: true });
    });

    it("is announced again when retention has dropped it, or nobody can read it", async () => {
      const tenant = await newTenant();
      await policies.manager.streams.purge(`EVENTS_${tenant}`);
      await reconcileAnnouncement(on, tenant);
      expect(await lastEntry(tenant)).toMatchObject({ version: 2, all: true });
      await jetstream(policies.connection).publish(`control.${tenant}.policy`, "no json");
      await reconcileAnnouncement(on, tenant);
      expect((await on.logs.lastPolicyEntry(tenant)).version?.number).toBe(2);
    });

    it("or not: a store that lost announced versions gets a higher number than any of them", async () => {
      const tenant = await newTenant();
      const ahead = { number: 9, build: "lost" };
      const { sequence } = await on.logs.lastPolicyEntry(tenant);
      await on.logs.appendPolicyEntry(tenant, ahead, { all: true }, sequence);
      await reconcileAnnouncement(on, tenant);
      expect(await lastEntry(tenant)).toMatchObject({ version: 10, all: true });
      expect((await on.snapshots.atLeast(tenant)).version.number).toBe(10);
    });
  });
});
