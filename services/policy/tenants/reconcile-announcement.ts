import { setTimeout as delay } from "node:timers/promises";
import { isAtLeast } from "#shared/contract/version.ts";
import { announce } from "../changes/announce.ts";
import { changePolicy, type ChangeDeps } from "../change-policy.ts";
import { renumber } from "../changes/commands.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { StoredPolicy } from "../versions/stored-policy.ts";

/**
 * A change stores its version, then announces it in an entry that names the affected. A stored version gets this long
 * for that: an announcement from here names everybody, and makes every edge ask for everybody again.
 */
const SETTLE_MS = 2_000;

/**
 * Compares a tenant's stored version with what its log announced last, and makes the log say what the store has: a
 * process may have ended between the two, retention may have dropped the entry, a store may have lost its tail. Where all brokers came
 * back with older copies, only whoever has a lost version in force knows of it, and edges that have met it believe none before it.
 */
export async function reconcileAnnouncement(deps: ChangeDeps, tenant: string): Promise<void> {
  // Both before the store is read: a version is stored before it is in force or announced, so a store that is behind has lost something.
  const held = deps.snapshots.find(tenant)?.version;
  const announced = (await deps.logs.lastPolicyEntry(tenant)).version;
  const stored = await deps.store.read(tenant);
  if (stored === undefined) return;
  if ([held, announced].some((met) => met !== undefined && !isAtLeast(stored.policy.version, met))) {
    await changePolicy(deps, tenant, renumber);
    return;
  }
  await adoptUnlessBroken(deps, tenant, stored.policy);
  const isUnderWay = announced !== undefined && !isAtLeast(announced, stored.policy.version);
  if (isUnderWay) await delay(SETTLE_MS);
  await announce(deps.logs, tenant, stored.policy.version);
}

/** Whoever follows the store says that it is broken. Its tenant must still be suspended, erased from and deleted. */
async function adoptUnlessBroken({ snapshots }: ChangeDeps, tenant: string, policy: StoredPolicy): Promise<void> {
  await snapshots.adopt(tenant, policy).catch((error: unknown) => {
    if (error instanceof AppError) throw error;
  });
}
