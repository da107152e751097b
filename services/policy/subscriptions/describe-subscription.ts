import type { Delivering } from "#shared/contract/edge-questions.ts";
import { isPaused, type StoredSubscription } from "#shared/contract/subscription-record.ts";
import type { SubscriptionView, WebhookView } from "#shared/contract/subscription-view.ts";
import { formatEventId } from "#shared/protocol/event-id.ts";
import type { LogDescription } from "../events/event-log.ts";
import type { NamedRecord } from "./subscription-book.ts";

/** What a record is described by. */
export interface DescribeBy {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly log: Pick<LogDescription, "epoch" | "last">;
  /** What the workers say; empty where none has answered. */
  readonly delivering: readonly Delivering[];
}

const UNREADABLE = {
  state: "unreadable",
  topics: [],
  pausedUntil: null,
  window: 0,
  maxDeliver: 0,
  ackWaitMs: 0,
  pending: null,
  open: 0,
  redelivered: 0,
  dead: 0,
  floor: "",
  holder: null,
  webhook: null,
  createdAt: "",
  seenAt: "",
} as const;

/** A stored subscription as administrators see it. */
export function describeSubscription({ subject, name, record }: NamedRecord, by: DescribeBy): SubscriptionView {
  if (record === undefined) return { subject, name, ...UNREADABLE };
  const { definition, epoch, through, open, dead, holder, paused, createdAt, seenAt } = record;
  const { topics, window, maxDeliver, ackWaitMs } = definition;
  return {
    subject,
    name,
    state: stateOf(record, by),
    topics: Object.keys(topics).toSorted(),
    pausedUntil: isPaused(paused, by.now) && typeof paused === "number" ? timeOf(paused) : null,
    window,
    maxDeliver,
    ackWaitMs,
    pending: by.log.epoch === epoch ? Math.max(0, by.log.last - through[0]) : null,
    open: open.length,
    redelivered: open.filter(([, , deliveries]) => deliveries > 1).length,
    dead: dead.length,
    floor: formatEventId(epoch, floorOf(record)),
    holder: holder === undefined ? null : { connectionId: holder.connectionId, client: holder.client ?? null },
    webhook: webhookOf(record, by.delivering),
    createdAt: timeOf(createdAt),
    seenAt: timeOf(seenAt),
  };
}

/** A time in milliseconds since 1970 as text. */
export function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

/** Workers that are set otherwise than others are being replaced: the longest life counts. */
function stateOf(record: StoredSubscription, { now, delivering }: DescribeBy): SubscriptionView["state"] {
  const unseenSeconds = (now - record.seenAt) / 1_000;
  const [first] = delivering;
  if (first !== undefined) {
    if (delivering.every(({ archivesSeconds }) => unseenSeconds >= archivesSeconds)) return "archived";
    if (delivering.every(({ expiresSeconds }) => unseenSeconds >= expiresSeconds)) return "expired";
  }
  return isPaused(record.paused, now) ? "paused" : "active";
}

/** No message stands before the first that is open as far as its tag is known. */
function floorOf({ through, open }: StoredSubscription): { readonly seq: number; readonly tag: string } {
  const first = open.reduce((least, [seq]) => Math.min(least, seq), Number.POSITIVE_INFINITY);
  return first > through[0] ? { seq: through[0], tag: through[1] } : { seq: first - 1, tag: "0" };
}

function webhookOf(
  { definition: { deliver }, failure }: StoredSubscription,
  delivering: readonly Delivering[],
): WebhookView | null {
  if (deliver === undefined) return null;
  const { host } = new URL(deliver.url);
  const trouble = delivering.flatMap(({ hosts }) => hosts).find((each) => each.host === host);
  return {
    host,
    failure: failure === undefined ? null : { at: timeOf(failure.at), reason: failure.reason },
    breaker: trouble === undefined ? null : { resting: trouble.resting, failures: trouble.failures },
  };
}
