import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AppError } from "#shared/errors/app-error.ts";
import { type OpenTenants, openTenants, subjectsWhile } from "#test/support/open-tenants.ts";
import { changePolicy } from "./change-policy.ts";
import { bindSubject, importPolicy, putDocument, setLimits, setState } from "./changes/commands.ts";
import { SubjectRoles } from "./decide/subject-roles.ts";
import { createTenant } from "./tenants/create-tenant.ts";
import { reconcileLifecycle } from "./tenants/reconcile-tenant.ts";
import type { TenantDeps } from "./tenants/tenant-deps.ts";
import { applyFile } from "./watch/apply-file.ts";

/** The rows of docs/how-it-works/writes.md: each step of each operation fails in turn, then the call is made again. */
describe("a failed write", () => {
  let tenants: OpenTenants;
  let deps: TenantDeps;

  beforeAll(async () => {
    tenants = await openTenants();
    deps = tenants.policies.deps;
  });
  afterAll(() => tenants[Symbol.asyncDispose]());

  const by = "operator";
  const documentOf = (tenant: string, permission: string): string =>
    `tenant: ${tenant}\nroles: { viewer: { allow: ["${permission}"] } }\n`;
  const put = (tenant: string, permission: string, expected?: number) =>
    putDocument(documentOf(tenant, permission), {
      kind: "document",
      by,
      why: "put",
      expected,
      files: { isThere: () => true },
    });

  /** Has the call of that name fail: before it did anything, or after it did its work. */
  const failing = <Port extends object>(port: Port, method: keyof Port, when: "before" | "after"): Port => ({
    ...port,
    [method]: async (...given: unknown[]) => {
      if (when === "after") await (port[method] as (...all: unknown[]) => Promise<unknown>)(...given);
      throw new AppError("unavailable", `failed at ${String(method)}`);
    },
  });
  type Step = readonly [name: string, fail: (whole: TenantDeps) => TenantDeps];
  const storeStep = (method: keyof TenantDeps["store"], when: "before" | "after"): Step => [
    `${when} store.${method}`,
    (whole) => ({ ...whole, store: failing(whole.store, method, when) }),
  ];
  const logStep = (method: keyof TenantDeps["logs"], when: "before" | "after"): Step => [
    `${when} logs.${method}`,
    (whole) => ({ ...whole, logs: failing(whole.logs, method, when) }),
  ];

  const changeSteps: readonly Step[] = [
    storeStep("read", "before"),
    logStep("lastPolicyEntry", "before"),
    storeStep("replace", "before"),
    storeStep("replace", "after"),
    logStep("appendPolicyEntry", "before"),
    logStep("appendPolicyEntry", "after"),
  ];
  const lifeSteps: readonly Step[] = [
    ...changeSteps,
    logStep("reconcile", "before"),
    logStep("reconcile", "after"),
    logStep("lastTenantEntry", "before"),
    logStep("appendTenantEntry", "before"),
    logStep("appendTenantEntry", "after"),
  ];
  const become = async (on: TenantDeps, tenant: string, state: "active" | "suspended"): Promise<void> => {
    await changePolicy(on, tenant, setState(state, by));
    await reconcileLifecycle(on, tenant);
  };
  const operations: Record<
    string,
    readonly [steps: readonly Step[], run: (on: TenantDeps, tenant: string, version: number) => Promise<unknown>]
  > = {
    "a document that is put": [changeSteps, (on, tenant) => changePolicy(on, tenant, put(tenant, "note:read"))],
    "a document that is put on a version": [
      changeSteps,
      (on, tenant, version) => changePolicy(on, tenant, put(tenant, "note:read", version)),
    ],
    "an import on a version": [
      changeSteps,
      (on, tenant, expected) => {
        const content = { text: documentOf(tenant, "note:read"), bindings: SubjectRoles.from([["bob", ["viewer"]]]) };
        const files = { isThere: () => true };
        return changePolicy(on, tenant, importPolicy(content, { by, why: "import", expected, files }));
      },
    ],
    "roles that are set": [changeSteps, (on, tenant) => changePolicy(on, tenant, bindSubject("bob", ["viewer"], by))],
    "roles that are the document's again": [
      changeSteps,
      (on, tenant) => changePolicy(on, tenant, bindSubject("alice", undefined, by)),
    ],
    "a file": [
      changeSteps.filter(([name]) => name !== "before store.read"),
      (on, tenant) => {
        const bytes = Buffer.from(documentOf(tenant, "note:read"));
        return applyFile(on, { name: `${tenant}.yaml`, tenant, bytes, hash: "new" }, "change");
      },
    ],
    "a suspension": [lifeSteps, (on, tenant) => become(on, tenant, "suspended")],
    limits: [
      [...changeSteps, logStep("reconcile", "before"), logStep("reconcile", "after")],
      async (on, tenant) => {
        await changePolicy(on, tenant, setLimits({ historyBytes: 2 * 1024 * 1024 }, by));
        await reconcileLifecycle(on, tenant);
      },
    ],
  };
  const rows = Object.entries(operations).flatMap(([operation, [steps, run]]) =>
    steps.map(([step, fail]) => [operation, step, fail, run] as const),
  );

  it.each(rows)("of %s, %s: the same call again makes it one version, announced once", async (_, step, fail, run) => {
    const tenant = await tenants.create();
    await changePolicy(deps, tenant, put(tenant, "order:read"));
    const { number } = await changePolicy(deps, tenant, bindSubject("alice", ["viewer"], by));
    await expect(run(fail(deps), tenant, number)).rejects.toThrow(`failed at ${step.split(".")[1]}`);
    const { policy: left } = (await deps.store.read(tenant))!;
    expect(left.version.number).toBe(/store.read|lastPolicy|before store.replace/.test(step) ? number : number + 1);
    await run(deps, tenant, number);
    const { policy } = (await deps.store.read(tenant))!;
    expect(policy.version.number).toBe(number + 1);
    const announced = (await tenants.policies.entries(tenant)).map(({ version }) => version);
    expect(announced).toEqual(Array.from({ length: number + 1 }, (_each, index) => index + 1));
  });

  describe("of a resumption", () => {
    it.each(lifeSteps)("%s: the same call again opens the log", async (_, fail) => {
      const tenant = await tenants.create();
      await become(deps, tenant, "suspended");
      await expect(become(fail(deps), tenant, "active")).rejects.toMatchObject({ code: "unavailable" });
      await become(deps, tenant, "active");
      expect(await tenants.subjectsOf(tenant)).toEqual(subjectsWhile.open(tenant));
      expect((await tenants.entriesOf(tenant)).at(-1)).toEqual({ state: "active", version: 3 });
    });
  });

  describe("of a tenant that is made", () => {
    const steps: readonly Step[] = [
      storeStep("read", "before"),
      ["before tombstones.read", (whole) => ({ ...whole, tombstones: failing(whole.tombstones, "read", "before") })],
      logStep("reconcile", "before"),
      logStep("reconcile", "after"),
      logStep("lastPolicyEntry", "before"),
      storeStep("replace", "before"),
      storeStep("replace", "after"),
      logStep("appendPolicyEntry", "before"),
      logStep("appendPolicyEntry", "after"),
      logStep("lastTenantEntry", "before"),
    ];
    it.each(steps)("%s: no event is taken until the same call again makes it whole", async (step, fail) => {
      const tenant = `made-${steps.findIndex(([name]) => name === step)}`;
      await expect(createTenant(fail(deps), tenant, by)).rejects.toMatchObject({ code: "unavailable" });
      expect([subjectsWhile.closed(tenant), "stream not found"]).toContainEqual(await tenants.subjectsOf(tenant));
      await createTenant(deps, tenant, by);
      expect(await tenants.subjectsOf(tenant)).toEqual(subjectsWhile.open(tenant));
      expect(await tenants.policies.entries(tenant)).toMatchObject([{ version: 1, all: true }]);
    });
  });
});
