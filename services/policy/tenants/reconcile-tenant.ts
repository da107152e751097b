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

/** How long the log of a deleted tenant stays. Edges that were away read in it that the tenant is deleted. */
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

/** Brings everything of a tenant to its stored state. This also finishes the work of a process that ended half-way. */
export async function reconcileTenant(deps: TenantDeps, tenant: string): Promise<void> {
  const stored = await deps.store.read(tenant);
  if (stored === undefined) return;
  if (stored.policy.lifecycle.state !== "deleted") {
    // The log first: an announcement needs one.
    await deps.logs.reconcile(tenant, logShapeOf(stored.policy));
    await reconcileAnnouncement(deps, tenant);
    await reconcileErasure(deps, tenant);
  }
  await reconcileLifecycle(deps, tenant);
}

/**
 * Applies a tenant's stored state: first to the shape of its log, then as a tenant entry in the log, for the edges.
 * Every step is idempotent. A process that finds another stored version meanwhile begins anew, so the newest version
 * wins.
 */
export async function reconcileLifecycle(deps: TenantDeps, tenant: string): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    // The log first: a state is stored before it is announced, so a store behind this entry has lost something.
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
  const reconciled = await deps.logs.reconcile(tenant, logShapeOf(stored.policy));
  if (reconciled === "made") {
    await announce(deps.logs, tenant, stored.policy.version);
    return false;
  }
  if (reconciled === "nothing" && isAnnounced(lifecycle, last)) return true;
  if (!(await announceLifecycle(deps, tenant, stored.policy, last))) return false;
  return isUnchanged(deps, tenant, stored);
}

/** Ends the sessions, then the streams. Removes all that is left after `DELETED_LOG_KEPT_MS`. */
async function settleDeleted(
  deps: TenantDeps,
  tenant: string,
  stored: StoredRevision,
  last: LastTenantEntry | undefined,
): Promise<boolean> {
  const { lifecycle, version } = stored.policy;
  const { logs, sessions, subscriptions, connections, tombstones } = deps;
  if (!isAnnounced(lifecycle, last)) await sessions.end(tenant, lifecycle.since);
  if (last !== undefined) {
    // The tombstone's version must be above every version that an edge has seen, even if the store has lost some.
    await reconcileAnnouncement(deps, tenant);
    await logs.close(tenant);
    if (!(await announceLifecycle(deps, tenant, stored.policy, last))) return false;
  }
  if (deps.clock.wall() - Date.parse(lifecycle.at) < DELETED_LOG_KEPT_MS) return true;
  // If this process paused here, a new tenant may have this name by now; look once more.
  if (!(await isUnchanged(deps, tenant, stored))) return false;
  await subscriptions.remove(tenant);
  await connections.removeConnections(tenant);
  await logs.remove(tenant);
  if (!(await tombstones.bury(tenant, { version: version.number }, stored.revision))) return false;
  deps.snapshots.forget(tenant);
  return true;
}

/**
 * Announces the tenant's state in its log, behind the version that made it so. An edge that reads the state asks for
 * that version, and no process answers from an older one. False when the log got another tenant entry meanwhile.
 */
async function announceLifecycle(
  deps: TenantDeps,
  tenant: string,
  { lifecycle, version }: StoredPolicy,
  last: LastTenantEntry | undefined,
): Promise<boolean> {
  if (isAnnounced(lifecycle, last)) return true;
  await announce(deps.logs, tenant, version);
  return deps.logs.appendTenantEntry(tenant, lifecycle, last?.sequence ?? 0);
}

function isAnnounced({ since }: Lifecycle, last: LastTenantEntry | undefined): boolean {
  return since <= (last?.version ?? 0);
}

async function isUnchanged({ store }: TenantDeps, tenant: string, { policy }: StoredRevision): Promise<boolean> {
  const present = await store.read(tenant);
  return present !== undefined && isSameVersion(present.policy.version, policy.version);
}
