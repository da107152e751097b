import type { DEAD_REASONS } from "./subscription-record.ts";

/** A durable subscription as administrators see it. Times are in ISO 8601. It holds no payload, no secret and no address. */
export interface SubscriptionView {
  readonly subject: string;
  readonly name: string;
  /** `unreadable`: a newer release wrote it, or it is damaged; nothing else is told of it then. */
  readonly state: "active" | "paused" | "expired" | "archived" | "unreadable";
  readonly topics: readonly string[];
  /** When it goes on by itself, where it is paused until a time. */
  readonly pausedUntil: string | null;
  /** How many events may be open at a time, and after how many deliveries an event is dead. */
  readonly window: number;
  readonly maxDeliver: number;
  readonly ackWaitMs: number;
  /** Entries of the log that nobody has looked at for it; null where the log has begun anew. */
  readonly pending: number | null;
  /** Delivered and not acknowledged; and how many of these more than once. */
  readonly open: number;
  readonly redelivered: number;
  readonly dead: number;
  /** Everything up to here is acknowledged, or dead. */
  readonly floor: string;
  readonly holder: { readonly connectionId: string; readonly client: string | null } | null;
  /** Where its events are posted instead; null where they go to a stream. */
  readonly webhook: WebhookView | null;
  readonly createdAt: string;
  /** When it last had a holder. */
  readonly seenAt: string;
}

/** The webhook of a subscription. An address may be a secret: only its host is told. */
export interface WebhookView {
  readonly host: string;
  /** Why it did not take the last message. */
  readonly failure: { readonly at: string; readonly reason: string } | null;
  /** Whether its host is left alone, since how many messages it took none; null where no worker says so. */
  readonly breaker: { readonly resting: boolean; readonly failures: number } | null;
}

/** An event that a subscription has open or dead. */
export interface HeldEventView {
  readonly id: string;
  readonly deliveries: number;
  /** Null where the log does not have the event any more. */
  readonly topic: string | null;
  readonly at: string | null;
}

/** A dead letter. */
export interface DeadLetterView extends HeldEventView {
  readonly reason: (typeof DEAD_REASONS)[number];
}

/** One subscription with what it holds. */
export interface SubscriptionDetails {
  readonly subscription: SubscriptionView;
  /** The first that are open, and the dead letters, in the order of the log. */
  readonly open: readonly (HeldEventView & { readonly dueAt: string })[];
  readonly dead: readonly DeadLetterView[];
  /** Behind which id the dead letters go on. */
  readonly next?: string;
  /** No edge says how long subscriptions live, or which hosts rest. */
  readonly partial: boolean;
}

/** A part of the list of a tenant's subscriptions. */
export interface SubscriptionList {
  readonly subscriptions: readonly SubscriptionView[];
  readonly next?: string;
  readonly partial: boolean;
}
