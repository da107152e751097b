import type { Version } from "#shared/contract/version.ts";
import type { Affected } from "../decide/affected.ts";

/** The last policy entry of a tenant's log. */
export interface LastPolicyEntry {
  /** Undefined where no entry is left, or the last one is not readable. */
  readonly version: Version | undefined;
  /** Its place in the log; 0 where there is none. */
  readonly sequence: number;
}

/** The policy entries of the tenants' logs. Both methods throw `unavailable` when a log does not answer. */
export interface PolicyLog {
  /** The last policy entry, as the log's leader knows it. */
  lastPolicyEntry(tenant: string): Promise<LastPolicyEntry>;
  /** Appends a policy entry if `after` is still the sequence of the last one. Answers whether it was. */
  appendPolicyEntry(tenant: string, version: Version, affected: Affected, after: number): Promise<boolean>;
}
