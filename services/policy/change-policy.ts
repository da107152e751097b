import { randomBytes } from "node:crypto";
import type { Version } from "#shared/contract/version.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { Clock } from "#shared/time/clock.ts";
import type { StoredChange } from "./changes/audit-change.ts";
import { announce } from "./changes/announce.ts";
import { compareVersions } from "./versions/compare-versions.ts";
import { compilePolicy } from "./versions/compile-policy.ts";
import type { DocumentCompiler } from "./versions/document-compiler.ts";
import type { Snapshot } from "./decide/snapshot.ts";
import { NONE_ENDED } from "./decide/document-bindings.ts";
import { documentInvalid } from "./document/fault.ts";
import type { ChangeBudget } from "./changes/change-budget.ts";
import type { PolicyCommand } from "./changes/commands.ts";
import type { Snapshots } from "./versions/snapshots.ts";
import type { PolicyStore, StoredRevision } from "./versions/policy-store.ts";
import type { PolicyContent, StoredPolicy } from "./versions/stored-policy.ts";
import type { PolicyLog } from "./changes/policy-log.ts";
import type { TenantLimits } from "./limits/tenant-limits.ts";

export interface ChangeDeps {
  readonly store: PolicyStore;
  readonly logs: PolicyLog;
  readonly snapshots: Snapshots;
  readonly compiler: DocumentCompiler;
  readonly budget: ChangeBudget;
  /** The changes a second that a tenant with these limits may make; undefined for as many as any. */
  readonly changeRateOf: (limits: TenantLimits) => number | undefined;
  readonly clock: Clock;
  /** Called for every stored change. The answer waits for it; it never fails. */
  readonly onChanged: (change: StoredChange) => Promise<void> | void;
}

/** How often a change begins anew because another one was stored first. */
const MAX_ATTEMPTS = 32;

/**
 * The way of every change of a tenant's policy: load → apply → compile, and ask a new document its own test cases → store →
 * swap → announce. Answers the version that has the change, once the tenant's log has acknowledged it; a change that changes
 * nothing answers the version in force.
 * @throws {AppError} `tenant_unknown`, `tenant_deleted`, `document_invalid`, `too_many_changes`, what the change itself throws, and
 * `unavailable`: then the change may be stored, and will be announced.
 */
export async function changePolicy(deps: ChangeDeps, tenant: string, change: PolicyCommand): Promise<Version> {
  let isCounted = false;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const current = await deps.store.read(tenant);
    if (current === undefined) throw new AppError("tenant_unknown", "there is no such tenant");
    requireNotDeleted(current.policy, change);
    const before = await snapshotOf(deps.snapshots, tenant, current.policy);
    const content = await change.apply(current.policy, before);
    if (content === undefined) {
      // Whoever made the version that is without the ended bindings tells whom it affects; from here it would be everybody.
      if (change.kind !== "expiry") await announce(deps.logs, tenant, current.policy.version);
      return current.policy.version;
    }
    // Before anything is read or compiled; an attempt after another change was stored first is the same change.
    if (!isCounted && change.counts(current.policy, before)) {
      deps.budget.take(tenant, deps.changeRateOf(current.policy.limits));
    }
    isCounted = true;
    const version = await storeNext(deps, tenant, current, content, change, before);
    if (version !== undefined) return version;
  }
  throw new AppError("unavailable", `the policy of tenant ${tenant} changes too fast; try again`);
}

/** One attempt; undefined when another change was stored first. */
async function storeNext(
  deps: ChangeDeps,
  tenant: string,
  previous: StoredRevision,
  content: PolicyContent,
  { by, why, kind, address }: PolicyCommand,
  before: Snapshot | undefined,
): Promise<Version | undefined> {
  const { policy: current } = previous;
  const version = await nextVersion(deps, tenant, current.version);
  const { state = current.lifecycle.state, ...changed } = content;
  // Never before the version it follows, whoever's clock says so: what has ended by then stays ended.
  const at = new Date(Math.max(deps.clock.wall(), Date.parse(current.at))).toISOString();
  const lifecycle = state === current.lifecycle.state ? current.lifecycle : { state, since: version.number, at };
  const policy = { ...current, ...changed, lifecycle, version, at, by, why };
  // Where only bindings change, nothing that the cases look at does.
  const asksCases = content.document !== current.document;
  const compiling = { storedAt: at, asksCases, known: before };
  // A broken document that stays needs not compile: nothing is decided by it, before and after.
  const isBroken = before === undefined && !asksCases;
  const compiled = isBroken ? undefined : await compilePolicy(deps.compiler, tenant, version, policy, compiling);
  if (compiled?.faults !== undefined) throw documentInvalid(compiled.faults);
  const { snapshot: after, ended = NONE_ENDED } = compiled ?? {};
  const { diff, affected } = await compareVersions(deps.compiler, before, after, ended);
  const next: StoredPolicy = { ...policy, diff };
  if (!(await deps.store.replace(tenant, next, previous))) return undefined;
  if (after !== undefined) deps.snapshots.swap(after);
  const noted = deps.onChanged({
    tenant,
    kind,
    by,
    why,
    address,
    before: current.version.number,
    after: version.number,
  });
  await announce(deps.logs, tenant, version, { follows: current.version, affected });
  await noted;
  return version;
}

/** What may still be changed of a deleted tenant, by policy itself or without effect. */
const STILL_POSSIBLE: ReadonlySet<string> = new Set<PolicyCommand["kind"]>(["state", "expiry", "repair"]);

/** Nobody changes anything of a deleted tenant any more. */
function requireNotDeleted({ lifecycle }: StoredPolicy, { kind }: PolicyCommand): void {
  if (lifecycle.state !== "deleted" || STILL_POSSIBLE.has(kind)) return;
  throw new AppError("tenant_deleted", "this tenant was deleted");
}

/** Undefined where this release cannot read it any more: it must still be replaceable. */
async function snapshotOf(snapshots: Snapshots, tenant: string, policy: StoredPolicy): Promise<Snapshot | undefined> {
  try {
    return await snapshots.compile(tenant, policy);
  } catch (error) {
    if (error instanceof AppError) throw error;
    return undefined;
  }
}

/**
 * Above everything that the log has announced and this process has had in force, too: a store that lost its tail, together with the log
 * maybe, must not give such a number again.
 */
export async function nextVersion(
  { logs, snapshots }: Pick<ChangeDeps, "logs" | "snapshots">,
  tenant: string,
  current: Version | undefined,
): Promise<Version> {
  const announced = (await logs.lastPolicyEntry(tenant)).version;
  const met = [current, announced, snapshots.find(tenant)?.version].map((version) => version?.number ?? 0);
  return { number: Math.max(...met) + 1, build: randomBytes(4).toString("hex") };
}
