import type { Version } from "#shared/contract/version.ts";
import type { Concerned } from "../decide/concerned.ts";

/** The last policy entry of a tenant's log. */
export interface LastPolicyEntry {
  /** Undefined where no entry is left, or the last one is not readable. */
  readonly version: Version | undefined;
  /** Its place in the log; 0 where there is none. */
  readonly sequence: number;
}

/** What a tenant's log is to be, beside what all logs are. */
export interface LogShape {
  /** Whether events are taken in; control entries always are. */
  readonly takesEvents: boolean;
  /** How much is kept; undefined for the installation's default. */
  readonly maxBytes: number | undefined;
  readonly maxAgeMs: number | undefined;
}

/** What had to be done for a log to be as it must be. */
export type Ensured = "made" | "changed" | "nothing";

/** The tenants' logs. Every method throws `unavailable` when a log does not answer. */
export interface TenantLogs {
  /**
   * Makes the tenant's log if there is none. A log that is made takes no events yet, whatever the shape says: the policy in
   * force is announced in it first, and another call opens it. An existing log is brought into this shape, loses settings
   * that would hide events, and keeps its epoch.
   * @throws {AppError} `internal` naming the settings that an existing log must not have and nobody can change.
   */
  ensure(tenant: string, shape: LogShape): Promise<Ensured>;
  /** The tenants that have a log, known to the store or not. */
  tenants(): Promise<string[]>;
  /** The last policy entry, as the log's leader knows it. */
  lastPolicyEntry(tenant: string): Promise<LastPolicyEntry>;
  /** Appends a policy entry if `after` is still the sequence of the last one, and tells whether it was. */
  appendPolicyEntry(tenant: string, version: Version, concerned: Concerned, after: number): Promise<boolean>;
}
