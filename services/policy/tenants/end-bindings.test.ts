import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLogger } from "#shared/log/create-logger.ts";
import { openPolicies, type OpenPolicies } from "#test/support/open-policies.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { waitFor } from "#test/support/wait.ts";
import { changePolicy } from "../change-policy.ts";
import type { TenantDeps } from "./tenant-deps.ts";
import { resolveSubject } from "../decide/resolve-subject.ts";
import { bindSubject, dropEnded, putDocument } from "../changes/commands.ts";
import { createTenant } from "./create-tenant.ts";
import { endBindings } from "./end-bindings.ts";

const END = Date.parse("2030-01-01T00:00:00Z");

const log = createLogger("test", "silent");

const put = (tenant: string, roles: object = {}) => {
  const bindings = [
    { role: "viewer", subjects: ["alice", "group:ops", "zoe"], until: "2030-01-01T01:00:00+01:00" },
    { role: "viewer", subjects: ["bob"] },
    { role: "other", subjects: ["alice"], until: "2031-01-01T00:00:00Z" },
  ];
  const text = JSON.stringify({ tenant, roles: { viewer: {}, other: {}, ...roles }, bindings });
  return putDocument(text, {
    kind: "document",
    by: "carol",
    why: "a test",
    expected: undefined,
    files: { isThere: () => true },
  });
};

describe("a binding that ends", () => {
  let nats: NatsServer;
  let processes: [OpenPolicies, OpenPolicies];
  let now = END - 1;
  let tenants = 0;

  const at = ({ deps }: OpenPolicies): TenantDeps => ({
    ...deps,
    clock: { monotonic: () => performance.now(), wall: () => now },
  });
  const newTenant = async (): Promise<string> => {
    now = END - 1;
    tenants += 1;
    const tenant = `t${tenants}`;
    await createTenant(at(processes[0]), tenant, "operator");
    await changePolicy(at(processes[0]), tenant, put(tenant));
    return tenant;
  };
  const running = (on: TenantDeps): AsyncDisposable => {
    const stop = new AbortController();
    const loop = endBindings(on, { everyMs: 10, togetherMs: 5_000, stop: stop.signal, log });
    return {
      async [Symbol.asyncDispose]() {
        stop.abort();
        await loop;
      },
    };
  };
  const lastEntry = async (tenant: string) => (await processes[0].entries(tenant)).at(-1);

  beforeAll(async () => {
    nats = await startNats();
    processes = [await openPolicies(nats.url("policy")), await openPolicies(nats.url("policy"))];
  });
  afterAll(async () => {
    for (const process of processes) await process[Symbol.asyncDispose]();
    await nats[Symbol.asyncDispose]();
  });

  it("gives its role to its last millisecond, says how long, and gives nothing from then on", async () => {
    const tenant = await newTenant();
    const snapshot = await processes[0].deps.snapshots.atLeast(tenant);
    const grantOf = (id: string, when: number, groups: string[] = []) =>
      resolveSubject(snapshot, { id, roles: [], groups }, when);
    expect(grantOf("zoe", END - 1)).toMatchObject({ id: "viewer@", remainingMs: 1 });
    expect(grantOf("zoe", END)).toMatchObject({ id: "@", remainingMs: undefined });
    expect(grantOf("alice", END - 1)).toMatchObject({ id: "other,viewer@", remainingMs: 1 });
    expect(grantOf("alice", END)).toMatchObject({ id: "other@", remainingMs: 365 * 86_400_000 });
    expect(grantOf("bob", END - 1, ["ops"])).toMatchObject({ id: "viewer@", remainingMs: undefined });
    expect(grantOf("zoe", END - 1, ["ops"])).toMatchObject({ id: "viewer@", remainingMs: 1 });
  });

  it("makes one version of the policy, however many processes see it, that names just its subjects", async () => {
    const tenant = await newTenant();
    await processes[1].deps.snapshots.atLeast(tenant);
    const entries = await processes[0].entries(tenant);
    await using _one = running(at(processes[0]));
    await using _other = running(at(processes[1]));
    now = END;
    await waitFor("the entry", async () => (await processes[0].entries(tenant)).length > entries.length);
    expect(await lastEntry(tenant)).toMatchObject({ version: 3, roles: [], subjects: ["alice", "group:ops", "zoe"] });
    const { policy } = (await processes[0].store.read(tenant))!;
    expect(policy).toMatchObject({ at: "2030-01-01T00:00:00.000Z", by: "policy", why: "a binding has ended" });
    expect(await changePolicy(at(processes[1]), tenant, dropEnded(now))).toEqual(policy.version);
    expect(await processes[0].entries(tenant)).toHaveLength(entries.length + 1);
  });

  it("is made up for by a process that starts after it", async () => {
    const tenant = await newTenant();
    now = END + 86_400_000;
    await using late = await openPolicies(nats.url("policy"));
    await late.deps.snapshots.atLeast(tenant);
    await using _loop = running(at(late));
    await waitFor("the entry", async () => (await lastEntry(tenant))?.version === 3);
    expect(await lastEntry(tenant)).toMatchObject({ subjects: ["alice", "group:ops", "zoe"] });
  });

  it("makes no version of its own within 5 s of the last one, but one with all that have ended by then", async () => {
    const tenant = await newTenant();
    const subjects = Array.from({ length: 20 }, (_, index) => `s${index}`);
    const bindings = subjects.map((subject, index) => ({
      role: "viewer",
      subjects: [subject],
      until: new Date(END + index * 100).toISOString(),
    }));
    const text = JSON.stringify({ tenant, roles: { viewer: {} }, bindings });
    const by = {
      kind: "document",
      by: "carol",
      why: "a test",
      expected: undefined,
      files: { isThere: () => true },
    } as const;
    await changePolicy(at(processes[0]), tenant, putDocument(text, by));
    let elapsed = 0;
    const clock = { monotonic: () => elapsed, wall: () => now };
    await using _loop = running({ ...processes[0].deps, clock });
    for (const index of subjects.keys()) {
      [now, elapsed] = [END + index * 100, index * 100];
      await waitFor("the first is announced", async () => (await lastEntry(tenant))?.version === 4);
    }
    elapsed = 5_000;
    await waitFor("the others are announced", async () => (await lastEntry(tenant))?.version === 5);
    expect(await lastEntry(tenant)).toMatchObject({ subjects: subjects.slice(1).toSorted() });
  });

  it("is named by any change that comes first", async () => {
    const tenant = await newTenant();
    now = END + 1;
    await changePolicy(at(processes[0]), tenant, bindSubject("dave", ["other"], "carol"));
    expect(await lastEntry(tenant)).toMatchObject({ subjects: ["alice", "dave", "group:ops", "zoe"] });
  });

  it("stays ended for a process whose clock is behind", async () => {
    const tenant = await newTenant();
    now = END;
    await changePolicy(at(processes[0]), tenant, dropEnded(now));
    now = END - 60_000;
    const behind = await processes[1].deps.snapshots.atLeast(tenant);
    expect(resolveSubject(behind, { id: "zoe", roles: [], groups: [] }, now).id).toBe("@");
    await changePolicy(at(processes[1]), tenant, bindSubject("dave", ["other"], "carol"));
    const after = await processes[1].deps.snapshots.atLeast(tenant);
    expect(resolveSubject(after, { id: "zoe", roles: [], groups: [] }, now).id).toBe("@");
    expect(await lastEntry(tenant)).toMatchObject({ subjects: ["dave"] });
  });
});
