import { setTimeout as delay } from "node:timers/promises";
import { isAtLeast } from "#shared/contract/version.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { announce } from "../announce.ts";
import { changePolicy, type PolicyChanging } from "../change-policy.ts";
import { renumber } from "../policy-change.ts";

/**
 * Compares a tenant's stored version with what its log announced last, and makes the log say what the store has: a
 * process may have ended between the two, retention may have dropped the entry, a store may have lost its tail.
 */
export async function ensureAnnounced(on: PolicyChanging, tenant: string): Promise<void> {
  // The log first: a version is stored before it is announced, so a store that is behind this entry has lost something.
  const announced = (await on.logs.lastPolicyEntry(tenant)).version;
  const stored = await on.store.read(tenant);
  if (stored === undefined) return;
  if (announced !== undefined && !isAtLeast(stored.policy.version, announced)) {
    await changePolicy(on, tenant, renumber);
    return;
  }
  on.snapshots.adopt(tenant, stored.policy);
  await announce(on.logs, tenant, stored.policy.version);
}

/** Tenants that are looked at together: each costs some round trips, one after the other. */
const AT_ONCE = 16;

interface Keeping {
  readonly everyMs: number;
  readonly stop: AbortSignal;
  readonly log: Logger;
  readonly keep?: (on: PolicyChanging, tenant: string) => Promise<void>;
}

/** Keeps every tenant (announced, unless `keep` says more), again and again until `stop`. */
export async function keepAnnounced(
  on: PolicyChanging,
  { everyMs, stop, log, keep = ensureAnnounced }: Keeping,
): Promise<void> {
  while (!stop.aborted) {
    await delay(everyMs, undefined, { signal: stop }).catch(() => undefined);
    const tenants = await on.store.tenants().catch((error: unknown) => {
      log.warn({ err: error }, "the tenants cannot be listed right now");
      return [];
    });
    for (let first = 0; first < tenants.length && !stop.aborted; first += AT_ONCE) {
      const some = tenants.slice(first, first + AT_ONCE).map((tenant) =>
        keep(on, tenant).catch((error: unknown) => {
          log.warn({ err: error, tenant }, "the tenant's version cannot be checked against its log right now");
        }),
      );
      await Promise.all(some);
    }
  }
}
