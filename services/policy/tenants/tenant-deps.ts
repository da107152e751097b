import type { ChangeDeps } from "../change-policy.ts";
import type { EraseDeps } from "../events/purge-erased.ts";
import type { TenantEntryLog, TenantLogs } from "./tenant-logs.ts";

/** What is left of a deleted tenant. It keeps a new tenant of the same name apart from it. */
export interface Tombstone {
  /** The last version the tenant had: the next tenant of this name begins above it. */
  readonly version: number;
}

/** Where tombstones are kept, for ever. Both methods throw `unavailable` when the store does not answer. */
export interface Tombstones {
  /**
   * Replaces a tenant's policy, with all its versions, by a tombstone if `revision` is still the last one. Answers
   * whether it was.
   */
  bury(tenant: string, tombstone: Tombstone, revision: number): Promise<boolean>;
  read(tenant: string): Promise<Tombstone | undefined>;
}

/**
 * The sessions of whole tenants, which auth keeps. A late call changes nothing: the highest version counts, and for one
 * version `restart` beats `end`. Both methods are idempotent, and throw `unavailable` when auth does not answer.
 */
export interface TenantSessions {
  /** Ends all sessions of the tenant, and those that begin later. */
  end(tenant: string, version: number): Promise<void>;
  /** Lets sessions begin again; those that began before stay ended. */
  restart(tenant: string, version: number): Promise<void>;
}

/** The records of durable subscriptions, which the edges write. */
export interface SubscriptionRecords {
  /**
   * Deletes the records of a tenant, or of one of its people, and answers how many there were. Idempotent; throws `unavailable` when the
   * store does not answer.
   */
  remove(tenant: string, subject?: string): Promise<number>;
}

/** The connection log, which the edges write. */
export interface ConnectionRecords {
  /** Deletes the entries of a tenant. Idempotent; throws `unavailable` when the log does not answer. */
  removeConnections(tenant: string): Promise<void>;
}

/** What the life of tenants takes, beside what changes of their policies take. */
export interface TenantDeps extends ChangeDeps, EraseDeps {
  readonly logs: ChangeDeps["logs"] & EraseDeps["logs"] & TenantLogs & TenantEntryLog;
  readonly tombstones: Tombstones;
  readonly subscriptions: SubscriptionRecords;
  readonly connections: ConnectionRecords;
  readonly sessions: TenantSessions;
}
