import { isAtLeast, isSameVersion, type Version } from "#shared/contract/version.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { type Affected, EVERYONE } from "../decide/affected.ts";
import type { PolicyLog } from "./policy-log.ts";

/** A step from one version to the next, and whom it can concern. */
export interface VersionStep {
  readonly follows: Version;
  readonly affected: Affected;
}

/** How often to look again after another process announced something in between. */
const MAX_ATTEMPTS = 32;

/**
 * Makes sure that the tenant's log says this version, or a newer one, is in force; returns once it is stored there.
 *
 * Versions in a log only ever rise: each entry is appended on the condition that the one last read is still the last.
 * Readers ask again only for whom an entry names, so it names somebody only where the version before it is the one that
 * was announced before it; else, and without a step, it names everyone.
 */
export async function announce(logs: PolicyLog, tenant: string, version: Version, step?: VersionStep): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const last = await logs.lastPolicyEntry(tenant);
    if (last.version !== undefined && isAtLeast(last.version, version)) return;
    const isNextStep = step !== undefined && last.version !== undefined && isSameVersion(last.version, step.follows);
    const affected = isNextStep ? step.affected : EVERYONE;
    if (await logs.appendPolicyEntry(tenant, version, affected, last.sequence)) return;
  }
  throw new AppError("unavailable", `the policy of tenant ${tenant} changes too fast to be announced; try again`);
}
