import { randomBytes } from "node:crypto";
import type { Version } from "#shared/contract/version.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { Clock } from "#shared/time/clock.ts";
import { announce } from "./announce.ts";
import { compilePolicy } from "./compile-policy.ts";
import { concernedBy } from "./decide/concerned.ts";
import type { Snapshot } from "./decide/snapshot.ts";
import { documentInvalid } from "./document/fault.ts";
import type { PolicyChange } from "./policy-change.ts";
import type { Snapshots } from "./snapshots.ts";
import type { PolicyStore, StoredRevision } from "./store/policy-store.ts";
import type { PolicyContent, StoredPolicy } from "./store/stored-policy.ts";
import type { TenantLogs } from "./tenants/tenant-logs.ts";

/** What changing a policy needs. */
export interface PolicyChanging {
  readonly store: PolicyStore;
  readonly logs: TenantLogs;
  readonly snapshots: Snapshots;
  readonly clock: Clock;
  readonly onChanged: (kind: PolicyChange["kind"]) => void;
}

/** How often a change begins anew because another one was stored first. */
const MAX_ATTEMPTS = 32;

/**
 * The way of every change of a tenant's policy: load → apply → compile → store → swap → announce. Answers the version that
 * has the change, once the tenant's log has acknowledged it; a change that changes nothing answers the version in force.
 * @throws {AppError} `tenant_unknown`, `document_invalid`, what the change itself throws, and `unavailable`: then the
 * change may be stored, and will be announced.
 */
export async function changePolicy(on: PolicyChanging, tenant: string, change: PolicyChange): Promise<Version> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const current = await on.store.read(tenant);
    if (current === undefined) throw new AppError("tenant_unknown", "there is no such tenant");
    const before = snapshotOf(on.snapshots, tenant, current.policy);
    const content = change.apply(current.policy, before);
    if (content === undefined) {
      await announce(on.logs, tenant, current.policy.version);
      return current.policy.version;
    }
    const version = await storeNext(on, tenant, current, content, change, before);
    if (version !== undefined) return version;
  }
  throw new AppError("unavailable", `the policy of tenant ${tenant} changes too fast; try again`);
}

/** One attempt; undefined when another change was stored first. */
async function storeNext(
  on: PolicyChanging,
  tenant: string,
  { policy: current, revision }: StoredRevision,
  content: PolicyContent,
  { by, why, kind }: PolicyChange,
  before: Snapshot | undefined,
): Promise<Version | undefined> {
  const version = await nextVersion(on.logs, tenant, current.version);
  // Never before the version it follows, whoever's clock says so: what has ended by then stays ended.
  const at = new Date(Math.max(on.clock.wall(), Date.parse(current.at))).toISOString();
  const { snapshot: after, faults } = compilePolicy(tenant, version, content, at);
  if (faults !== undefined) throw documentInvalid(faults);
  const next: StoredPolicy = { version, document: content.document, bindings: content.bindings, at, by, why };
  if (!(await on.store.replace(tenant, next, revision))) return undefined;
  on.snapshots.swap(after);
  await announce(on.logs, tenant, version, { follows: current.version, concerned: concernedBy(before, after) });
  on.onChanged(kind);
  return version;
}

/** A stored policy that this release cannot read any more must still be replaceable. */
function snapshotOf(snapshots: Snapshots, tenant: string, policy: StoredPolicy): Snapshot | undefined {
  try {
    return snapshots.compile(tenant, policy);
  } catch {
    return undefined;
  }
}

/** Above everything the log has announced, too: a store that lost its tail must not give an announced number again. */
export async function nextVersion(logs: TenantLogs, tenant: string, current: Version | undefined): Promise<Version> {
  const announced = (await logs.lastPolicyEntry(tenant)).version;
  const number = Math.max(current?.number ?? 0, announced?.number ?? 0) + 1;
  return { number, build: randomBytes(4).toString("hex") };
}
