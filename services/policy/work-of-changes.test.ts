import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { compileHere } from "#test/support/compile-here.ts";
import { type OpenPolicies, openPolicies } from "#test/support/open-policies.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { changePolicy } from "./change-policy.ts";
import { createChangeBudget } from "./changes/change-budget.ts";
import {
  bindSubject,
  dropEnded,
  importPolicy,
  putDocument,
  setLimits,
  setState,
  takeFile,
} from "./changes/commands.ts";
import { SubjectRoles } from "./decide/subject-roles.ts";
import { createTenant } from "./tenants/create-tenant.ts";
import type { TenantDeps } from "./tenants/tenant-deps.ts";
import { Snapshots } from "./versions/snapshots.ts";
import { applyFile } from "./watch/apply-file.ts";

const NOW = Date.parse("2030-01-01T00:00:00Z");
const HOUR = 3_600_000;
const BY = { by: "carol", why: "a test", expected: undefined, files: { isThere: () => false } };

describe("a change of a policy", () => {
  let nats: NatsServer;
  let policies: OpenPolicies;
  let on: TenantDeps;
  let now = NOW;
  let compiled = 0;
  let tenants = 0;

  const textOf = (tenant: string, rule = "order:read"): string =>
    JSON.stringify({
      tenant,
      roles: { viewer: { allow: [rule] }, editor: { allow: ["order:write"] } },
      bindings: [
        { role: "viewer", subjects: ["alice", "bob"], until: new Date(NOW + HOUR).toISOString() },
        { role: "editor", subjects: ["alice"] },
      ],
    });
  const put = (text: string) => putDocument(text, { kind: "document", ...BY });
  const newTenant = async (): Promise<string> => {
    tenants += 1;
    const tenant = `t${tenants}`;
    await createTenant(on, tenant, "operator");
    await changePolicy(on, tenant, put(textOf(tenant)));
    compiled = 0;
    return tenant;
  };
  const withBudget = (burst: number): TenantDeps => ({
    ...on,
    budget: createChangeBudget({ perSecond: 1, burst }, () => 0),
  });
  const tooMany = expect.objectContaining({ code: "too_many_changes" });

  beforeAll(async () => {
    nats = await startNats();
    policies = await openPolicies(nats.url("policy"));
    const compiler = compileHere(() => (compiled += 1));
    const snapshots = new Snapshots({ store: policies.store, compiler, onSwap: () => undefined });
    on = { ...policies.deps, compiler, snapshots, clock: { monotonic: () => performance.now(), wall: () => now } };
  });
  afterAll(async () => {
    await policies[Symbol.asyncDispose]();
    await nats[Symbol.asyncDispose]();
  });
  beforeEach(() => (now = NOW));

  it("of who has which roles reads and compiles no document", async () => {
    const tenant = await newTenant();
    await changePolicy(on, tenant, bindSubject("alice", ["viewer"], "carol"));
    await changePolicy(on, tenant, bindSubject("alice", undefined, "carol"));
    await changePolicy(on, tenant, setLimits({ connections: 1 }, "operator"));
    expect(compiled).toBe(0);
  });

  it("by the end of bindings reads none either, and says who lost what", async () => {
    const tenant = await newTenant();
    now = NOW + HOUR;
    const version = await changePolicy(on, tenant, dropEnded(now));
    expect(compiled).toBe(0);
    expect((await policies.entries(tenant)).at(-1)).toMatchObject({ roles: [], subjects: ["alice", "bob"] });
    const [last] = await policies.store.history(tenant);
    expect(last?.version).toEqual(version);
    expect(last?.diff).toMatchObject({
      differences: [
        { change: "removed", kind: "binding", name: "alice", before: expect.stringMatching(/^viewer until/) },
        { change: "removed", kind: "binding", name: "bob" },
      ],
      more: 0,
    });
  });

  it("of the document compiles it once, also where another change is stored first", async () => {
    const tenant = await newTenant();
    let isFirst = true;
    const replace: TenantDeps["store"]["replace"] = async (...args) => {
      if (isFirst) await changePolicy(on, tenant, bindSubject("zoe", ["viewer"], "carol"));
      isFirst = false;
      return on.store.replace(...args);
    };
    await changePolicy({ ...on, store: { ...on.store, replace } }, tenant, put(textOf(tenant, "order:list")));
    expect(compiled).toBe(1);
    expect((await policies.store.read(tenant))?.policy.bindings.get("zoe")).toEqual(["viewer"]);
  });

  it("by a file compiles it once", async () => {
    const tenant = await newTenant();
    const bytes = Buffer.from(textOf(tenant, "order:file"));
    await applyFile(on, { name: `${tenant}.yaml`, tenant, bytes, hash: "h" }, "change");
    expect(compiled).toBe(1);
  });

  it("beyond the tenant's budget is refused before its document is read; another tenant's is not", async () => {
    const [tenant, other] = [await newTenant(), await newTenant()];
    const limited = withBudget(1);
    await changePolicy(limited, tenant, bindSubject("zoe", ["viewer"], "carol"));
    await expect(changePolicy(limited, tenant, bindSubject("zoe", ["editor"], "carol"))).rejects.toEqual(tooMany);
    await expect(changePolicy(limited, tenant, put(textOf(tenant, "order:x")))).rejects.toEqual(tooMany);
    const whole = { text: textOf(tenant, "order:x"), bindings: SubjectRoles.none };
    await expect(changePolicy(limited, tenant, importPolicy(whole, BY))).rejects.toEqual(tooMany);
    expect(compiled).toBe(0);
    await changePolicy(limited, other, put(textOf(other, "order:x")));
  });

  it("that is in force already counts as none", async () => {
    const tenant = await newTenant();
    const limited = withBudget(1);
    for (let time = 0; time < 3; time += 1) await changePolicy(limited, tenant, put(textOf(tenant)));
    await changePolicy(limited, tenant, bindSubject("zoe", ["viewer"], "carol"));
    await changePolicy(limited, tenant, bindSubject("zoe", ["viewer"], "carol"));
    await expect(changePolicy(limited, tenant, bindSubject("zoe", [], "carol"))).resolves.toBeDefined();
  });

  it("that sets roles to none and returns to the document counts, as often as it is made", async () => {
    const tenant = await newTenant();
    const limited = withBudget(2);
    const setAndReturn = async (): Promise<void> => {
      await changePolicy(limited, tenant, bindSubject("alice", [], "carol"));
      await changePolicy(limited, tenant, bindSubject("alice", undefined, "carol"));
    };
    for (let time = 0; time < 2; time += 1) await setAndReturn();
    await expect(setAndReturn()).rejects.toEqual(tooMany);
  });

  it("that takes nothing away counts, whomever it names", async () => {
    const tenant = await newTenant();
    const limited = withBudget(2);
    const set = (subject: string, roles: string[]) =>
      changePolicy(limited, tenant, bindSubject(subject, roles, "carol"));
    await set("nobody", []);
    await set("alice", ["viewer", "editor"]);
    await expect(set("no one", [])).rejects.toEqual(tooMany);
  });

  it.each([
    ["takes roles away over HTTP", () => bindSubject("alice", ["editor"], "carol")],
    ["takes all roles away", () => bindSubject("bob", [], "carol")],
    ["returns to the document", () => bindSubject("held", undefined, "carol")],
    ["suspends the tenant", () => setState("suspended", "operator")],
    ["limits the tenant", () => setLimits({ connections: 7 }, "operator")],
    ["comes from a file", (tenant: string) => takeFile(textOf(tenant, "order:f"), { name: "f.yaml", hash: "h" })],
    ["deletes the tenant", () => setState("deleted", "operator")],
  ])("that %s is possible at any time", async (_, commandOf) => {
    const tenant = await newTenant();
    const limited = withBudget(1);
    await changePolicy(limited, tenant, bindSubject("held", ["viewer"], "carol"));
    await expect(changePolicy(limited, tenant, bindSubject("more", ["viewer"], "carol"))).rejects.toEqual(tooMany);
    const before = (await policies.store.read(tenant))!.policy.version.number;
    expect((await changePolicy(limited, tenant, commandOf(tenant))).number).toBeGreaterThan(before);
  });
});
