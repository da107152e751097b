import type { StoredPolicy } from "./stored-policy.ts";

/** A policy with the revision that a replacement must name. */
export interface StoredRevision {
  readonly policy: StoredPolicy;
  readonly revision: number;
}

/** Where policies and their last versions are kept. Every method throws `unavailable` when the store does not answer. */
export interface PolicyStore {
  /** The policy in force, never an older one; undefined when there is no such tenant. */
  read(tenant: string): Promise<StoredRevision | undefined>;
  /**
   * Stores the policy if `revision` is still the last one (undefined: if there is none). Answers whether it was. After
   * a time-out the policy may be stored or not.
   * @throws {AppError} `body_too_large` when the policy is larger than the store takes.
   */
  replace(tenant: string, policy: StoredPolicy, revision: number | undefined): Promise<boolean>;
  /** The versions still kept, newest first. */
  history(tenant: string): Promise<StoredPolicy[]>;
  /** All tenants, sorted. */
  tenants(): Promise<string[]>;
}
