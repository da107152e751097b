import { isAtLeast, isSameVersion, type Version } from "#shared/contract/version.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { type Affected, EVERYONE } from "../decide/affected.ts";
import type { PolicyLog } from "./policy-log.ts";

/** A step from one version to the next, and which principals it can affect. */
export interface VersionStep {
  readonly follows: Version;
  readonly affected: Affected;
}

/** How often to look again after another process announced something in between. */
const MAX_ATTEMPTS = 32;

/**
 * Announces this version in the tenant's log, unless it or a newer one is there. Returns once it is stored there.
 *
 * Versions in a log only ever rise: each entry is appended on the condition that the one last read is still the last.
 * Edges ask again only for the principals that an entry names. So an entry names single principals only if it follows the
 * version of the entry before it; else, and without a step, it names everyone.
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
