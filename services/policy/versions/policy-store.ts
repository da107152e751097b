import type { StoredPolicy, StoredVersion } from "./stored-policy.ts";

/** A policy with the revision that a replacement must name. */
export interface StoredRevision {
  readonly policy: StoredPolicy;
  readonly revision: number;
}

/** Where policies and their last versions are kept. Every method throws `unavailable` when the store does not answer. */
export interface PolicyStore {
  /** The policy in force, never an older one; undefined when there is no such tenant. */
  read(tenant: string): Promise<StoredRevision | undefined>;
  /** What the policy in force says of itself, also where its content is broken or gone. */
  newest(tenant: string): Promise<StoredVersion | undefined>;
  /**
   * Stores the policy if `previous` is still the last one (undefined: if there is none). Answers whether it was. Only what
   * differs from `previous` is written. After a time-out the policy may be stored or not.
   * @throws {AppError} `body_too_large` when a part of the policy is larger than the store takes.
   */
  replace(tenant: string, policy: StoredPolicy, previous: StoredRevision | undefined): Promise<boolean>;
  /** The versions still kept, newest first. */
  history(tenant: string): Promise<StoredVersion[]>;
  /** The version of that number, where it is still kept. */
  version(tenant: string, number: number): Promise<StoredPolicy | undefined>;
  /** All tenants, sorted. */
  tenants(): Promise<string[]>;
}
