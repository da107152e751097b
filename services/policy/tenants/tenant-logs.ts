import type { Lifecycle } from "../versions/stored-policy.ts";

/** The settings in which a tenant's log differs from others. */
export interface LogShape {
  /** Whether the log takes events; it always takes control entries. */
  readonly takesEvents: boolean;
  /** How much is kept; undefined for the installation's default. */
  readonly maxBytes: number | undefined;
  readonly maxAgeMs: number | undefined;
}

/** How a log was reconciled. */
export type ReconciledLog = "made" | "changed" | "nothing";

/** The tenants' logs as a whole. Every method throws `unavailable` when the bus does not answer. */
export interface TenantLogs {
  /**
   * Makes the tenant's log if there is none. A new log takes no events yet, whatever the shape says: the caller
   * announces the policy in it, then calls again. An existing log gets this shape, loses settings that hide events, and
   * keeps its epoch.
   * @throws {AppError} `internal` naming the settings that an existing log must not have and nobody can change.
   */
  reconcile(tenant: string, shape: LogShape): Promise<ReconciledLog>;
  /** Has an existing log take no more events. Idempotent; makes no log. */
  close(tenant: string): Promise<void>;
  /** Removes the log with everything in it. Idempotent. */
  remove(tenant: string): Promise<void>;
  /** The tenants that have a log, known to the store or not. */
  tenants(): Promise<string[]>;
}

/** The last entry of a tenant's log that says whether the tenant is in use. */
export interface LastTenantEntry {
  /** Undefined where no entry is left, or the last one is not readable. */
  readonly state: Lifecycle["state"] | undefined;
  /** The version that made it so; 0 where that is not known. */
  readonly version: number;
  /** Its place in the log; 0 where there is none. */
  readonly sequence: number;
}

/** The tenant entries of the tenants' logs. Both methods throw `unavailable` when a log does not answer. */
export interface TenantEntryLog {
  /** The last tenant entry, as the log's leader knows it; undefined where there is no log. */
  lastTenantEntry(tenant: string): Promise<LastTenantEntry | undefined>;
  /** Appends a tenant entry if `after` is still the sequence of the last one. Answers whether it was. */
  appendTenantEntry(tenant: string, lifecycle: Lifecycle, after: number): Promise<boolean>;
}

/** What a tenant's log holds: events and control entries, of which the oldest and the newest came then. */
export interface Usage {
  readonly messages: number;
  readonly bytes: number;
  /** How much the log keeps at most, and for how long. */
  readonly maxBytes: number;
  readonly maxAgeSeconds: number;
  readonly firstAt?: string;
  readonly lastAt?: string;
}

/** Describes what the tenants' logs hold. Both methods throw `unavailable` when that cannot be found out. */
export interface LogUsage {
  /** Undefined where there is no log. */
  usageOf(tenant: string): Promise<Usage | undefined>;
  usages(): Promise<ReadonlyMap<string, Usage>>;
}
