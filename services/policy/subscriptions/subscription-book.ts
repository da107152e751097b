import type { StoredSubscription } from "#shared/contract/subscription-record.ts";

/** A stored subscription; its record is undefined where this release cannot read it. */
export interface NamedRecord {
  readonly subject: string;
  readonly name: string;
  readonly record: StoredSubscription | undefined;
}

/** Which subscriptions are asked for. */
export interface SubscriptionFilter {
  readonly subject: string | undefined;
  /** Those behind this place, as `next` named it; empty for the first ones. */
  readonly after: string;
  readonly limit: number;
}

/** The records of durable subscriptions, which the edges write. Both methods throw AppError `unavailable`. */
export interface SubscriptionBook {
  page(
    tenant: string,
    filter: SubscriptionFilter,
  ): Promise<{ readonly records: readonly NamedRecord[]; readonly next: string | undefined }>;
  /** Undefined where there is none. */
  find(tenant: string, subject: string, name: string): Promise<NamedRecord | undefined>;
}
