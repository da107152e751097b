import { isSameVersion } from "#shared/contract/version.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { announce } from "../changes/announce.ts";
import { changePolicy } from "../change-policy.ts";
import { setState } from "../changes/commands.ts";
import { reconcileErasure } from "../events/purge-erased.ts";
import type { StoredRevision } from "../versions/policy-store.ts";
import type { Lifecycle, StoredPolicy } from "../versions/stored-policy.ts";
import { reconcileAnnouncement } from "./reconcile-announcement.ts";
import type { TenantDeps } from "./tenant-deps.ts";
import type { LastTenantEntry, LogShape } from "./tenant-logs.ts";

/** How long the log of a deleted tenant stays: edges that were away read in it that the tenant is deleted. */
const DELETED_LOG_KEPT_MS = 60_000;

/** How often to look again after another process changed the tenant in between. */
const MAX_ATTEMPTS = 32;

/** What a tenant's log is to be by its policy; a tenant without one is new. */
export function logShapeOf(policy: StoredPolicy | undefined): LogShape {
  const { historyBytes, historyAgeSeconds } = policy?.limits ?? {};
  return {
    takesEvents: policy === undefined || policy.lifecycle.state === "active",
    maxBytes: historyBytes,
    maxAgeMs: historyAgeSeconds === undefined ? undefined : historyAgeSeconds * 1_000,
  };
}

/** Brings everything that belongs to a tenant to what the store says of it: the work of any process that ended half-way. */
export async function reconcileTenant(deps: TenantDeps, tenant: string): Promise<void> {
  const stored = await deps.store.read(tenant);
  if (stored === undefined) return;
  if (stored.policy.lifecycle.state !== "deleted") {
    // The log first: what is announced must find one.
    await deps.logs.ensure(tenant, logShapeOf(stored.policy));
    await reconcileAnnouncement(deps, tenant);
    await reconcileErasure(deps, tenant);
  }
  await reconcileLifecycle(deps, tenant);
}

/**
 * Puts in force what the store says of a tenant as a whole: the shape of its log, then the log's word on its state, for the
 * edges. Every step may be repeated, and whoever finds that the store has changed meanwhile begins anew: of two processes at
 * work the one with the newer word has the last one.
 */
export async function reconcileLifecycle(deps: TenantDeps, tenant: string): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    // The log first: a state is stored before it is told, so a store that is behind this entry has lost something.
    const last = await deps.logs.lastTenantEntry(tenant);
    const stored = await deps.store.read(tenant);
    if (stored === undefined) return;
    if (await settle(deps, tenant, stored, last)) return;
  }
  throw new AppError("unavailable", `tenant ${tenant} changes too fast; try again`);
}

/** One attempt; answers whether the store still says the same after it. */
async function settle(
  deps: TenantDeps,
  tenant: string,
  stored: StoredRevision,
  last: LastTenantEntry | undefined,
): Promise<boolean> {
  const { lifecycle } = stored.policy;
  if (last?.state !== undefined && last.version > lifecycle.since && last.state !== lifecycle.state) {
    await changePolicy(deps, tenant, {
      ...setState(last.state, "policy"),
      why: "the store had lost the tenant's state",
    });
    return false;
  }
  if (lifecycle.state === "deleted") return settleDeleted(deps, tenant, stored, last);
  const ensured = await deps.logs.ensure(tenant, logShapeOf(stored.policy));
  if (ensured === "made") {
    await announce(deps.logs, tenant, stored.policy.version);
    return false;
  }
  if (ensured === "nothing" && isTold(lifecycle, last)) return true;
  if (!(await tell(deps, tenant, stored.policy, last))) return false;
  return isUnchanged(deps, tenant, stored);
}

/** Ends the sessions, then the streams, and once the log has stood long enough all that is left. */
async function settleDeleted(
  deps: TenantDeps,
  tenant: string,
  stored: StoredRevision,
  last: LastTenantEntry | undefined,
): Promise<boolean> {
  const { lifecycle, version } = stored.policy;
  const { logs, sessions, tombstones } = deps;
  if (!isTold(lifecycle, last)) await sessions.end(tenant, lifecycle.since);
  if (last !== undefined) {
    // The tombstone must stand above every version that an edge has seen, also where the store has lost some.
    await reconcileAnnouncement(deps, tenant);
    await logs.close(tenant);
    if (!(await tell(deps, tenant, stored.policy, last))) return false;
  }
  if (deps.clock.wall() - Date.parse(lifecycle.at) < DELETED_LOG_KEPT_MS) return true;
  // A process that stood still right here could meet a tenant made anew under this name; look once more.
  if (!(await isUnchanged(deps, tenant, stored))) return false;
  await logs.remove(tenant);
  if (!(await tombstones.bury(tenant, { version: version.number }, stored.revision))) return false;
  deps.snapshots.forget(tenant);
  return true;
}

/**
 * Has the log say the tenant's state, behind the version that made it so: an edge that has read of the state asks for that
 * version, which no process answers from an older one. False when the log got another entry meanwhile.
 */
async function tell(
  deps: TenantDeps,
  tenant: string,
  { lifecycle, version }: StoredPolicy,
  last: LastTenantEntry | undefined,
): Promise<boolean> {
  if (isTold(lifecycle, last)) return true;
  await announce(deps.logs, tenant, version);
  return deps.logs.appendTenantEntry(tenant, lifecycle, last?.sequence ?? 0);
}

function isTold({ since }: Lifecycle, last: LastTenantEntry | undefined): boolean {
  return since <= (last?.version ?? 0);
}

async function isUnchanged({ store }: TenantDeps, tenant: string, { policy }: StoredRevision): Promise<boolean> {
  const present = await store.read(tenant);
  return present !== undefined && isSameVersion(present.policy.version, policy.version);
}
