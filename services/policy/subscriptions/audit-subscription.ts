import type { AuditTrail } from "#shared/nats/append-audit.ts";

/** A change of a person's durable subscription by somebody else. */
export interface SubscriptionChange {
  readonly tenant: string;
  /** Left out where those of everybody were deleted. */
  readonly subject?: string | undefined;
  /** Left out where all of the person's were deleted. */
  readonly subscription?: string;
  readonly change: "paused" | "resumed" | "deleted" | "redelivered" | "dropped";
  /** How many dead letters were named. */
  readonly dead?: number | "all";
  /** How many subscriptions were deleted, where none was named. */
  readonly deleted?: number;
  readonly by: string;
  readonly address: string;
}

/** The change in the audit trail. */
export interface SubscriptionEntry extends SubscriptionChange {
  readonly event: "subscription_changed";
}

/** Appends a change to the audit trail, and answers once that is done or has failed. */
export function auditSubscription(audit: AuditTrail<SubscriptionEntry>, change: SubscriptionChange): Promise<void> {
  return audit.record({ event: "subscription_changed", ...change });
}
