import type { Lifecycle } from "../store/stored-policy.ts";

/** The last entry of a tenant's log that says whether the tenant is in use. */
export interface LastTenantEntry {
  /** Undefined where no entry is left, or the last one is not readable. */
  readonly state: Lifecycle["state"] | undefined;
  /** The version that made it so; 0 where that is not known. */
  readonly version: number;
  /** Its place in the log; 0 where there is none. */
  readonly sequence: number;
}

/** The part of the tenants' logs that a tenant's life needs. Every method throws `unavailable` when a log does not answer. */
export interface LifeLogs {
  /** The last tenant entry, as the log's leader knows it; undefined where there is no log. */
  lastTenantEntry(tenant: string): Promise<LastTenantEntry | undefined>;
  /** Appends a tenant entry if `after` is still the sequence of the last one, and tells whether it was. */
  appendTenantEntry(tenant: string, lifecycle: Lifecycle, after: number): Promise<boolean>;
  /** Has an existing log take no more events. Idempotent; makes no log. */
  close(tenant: string): Promise<void>;
  /** Removes the log with everything in it. Idempotent. */
  remove(tenant: string): Promise<void>;
}

/** What is left of a deleted tenant, so that one of the same name is another one. */
export interface Tombstone {
  /** The last version the tenant had: the next tenant of this name begins above it. */
  readonly version: number;
}

/** Where tombstones are kept, for ever. Both methods throw `unavailable` when the store does not answer. */
export interface Tombstones {
  /**
   * Replaces a tenant's policy, with all its versions, by a tombstone if `revision` is still the last one, and tells whether
   * it was.
   */
  bury(tenant: string, tombstone: Tombstone, revision: number): Promise<boolean>;
  read(tenant: string): Promise<Tombstone | undefined>;
}

/**
 * The sessions of whole tenants, which auth keeps. What comes late changes nothing: the highest version counts, and for one
 * version `restart` after `end`. Both methods are idempotent, and throw `unavailable` when auth does not answer.
 */
export interface TenantSessions {
  /** Ends all sessions of the tenant, and those that begin later. */
  end(tenant: string, version: number): Promise<void>;
  /** Lets sessions begin again; those that began before stay ended. */
  restart(tenant: string, version: number): Promise<void>;
}

/** What the life of tenants takes beside their policies. */
export interface TenantLives {
  readonly logs: LifeLogs;
  readonly tombstones: Tombstones;
  readonly sessions: TenantSessions;
}
