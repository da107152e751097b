import { isPaused } from "#shared/contract/subscription-record.ts";
import { formatEventId } from "#shared/protocol/event-id.ts";
import { lifeOf, type LifeTimes } from "../durable/life.ts";
import type { FindEnd } from "../durable/subscription-store.ts";
import type { SubscriptionRecord } from "../durable/record.ts";

/** The end of a tenant's log. */
type LogEnd = Awaited<ReturnType<FindEnd>>;

/** A durable subscription as its owner sees it. */
export function describeSubscription(
  name: string,
  record: SubscriptionRecord,
  { now, life, end }: { readonly now: number; readonly life: LifeTimes; readonly end: LogEnd },
): object {
  const { definition, epoch, through, holder, pausedUntil, failure } = record;
  const { topics, ttlSeconds, deliver, ...rest } = definition;
  return {
    name,
    state: lifeOf(record, now, life),
    topics: Object.keys(topics).toSorted(),
    ...rest,
    ttl: ttlSeconds,
    ...(deliver && {
      deliver: { url: deliver.url, secretRef: deliver.secretRef, scope: deliver.scope },
      failure: failure === undefined ? null : { at: timeOf(failure.at), reason: failure.reason },
    }),
    revision: record.revision,
    ...(isPaused(pausedUntil, now) && { pausedUntil: typeof pausedUntil === "number" ? timeOf(pausedUntil) : null }),
    through: formatEventId(epoch, through),
    pending: end.epoch === epoch ? Math.max(0, end.seq - through.seq) : null,
    open: record.open.size,
    dead: record.dead.length,
    holder: holder === undefined ? null : { connectionId: holder.connectionId, client: holder.client ?? null },
    createdAt: timeOf(record.createdAt),
    lastSeenAt: timeOf(record.seenAt),
  };
}

/** Its dead letters from the one behind a sequence on, in the order of the log. */
export function describeDead(record: SubscriptionRecord, after: number, limit: number): object {
  const letters = record.dead.filter(({ seq }) => seq > after).toSorted((a, b) => a.seq - b.seq);
  const page = letters.slice(0, limit).map(({ seq, tag, deliveries, reason }) => ({
    id: formatEventId(record.epoch, { seq, tag }),
    deliveries,
    reason,
  }));
  return { dead: page, ...(letters.length > limit && { next: page.at(-1)?.id }) };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
