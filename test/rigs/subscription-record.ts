import { createRecord, type SubscriptionRecord } from "../../services/stream/durable/record.ts";

/** A record of `order.>` that begins at the sequence 10, stored at the time 1 000; `change` replaces fields. */
export function recordOf(change: Partial<SubscriptionRecord> = {}): SubscriptionRecord {
  const definition = {
    topics: { "order.>": 10 },
    window: 3,
    ackWaitMs: 1_000,
    backoffMs: [],
    maxDeliver: 2,
    ttlSeconds: 86_400,
  };
  const at = { epoch: "first-epoch", position: { seq: 10, tag: "t10" } };
  return { ...createRecord(definition, at, 1_000), ...change };
}

/** An open event that was delivered once. */
export function openEvent(seq: number, dueAt = 2_000, deliveries = 1) {
  return [seq, { tag: `t${seq}`, deliveries, dueAt }] as const;
}

/** The id of the message at a sequence. */
export function idAt(seq: number, tag = `t${seq}`, epoch = "first-epoch"): string {
  return `${epoch}.${seq}.${tag}`;
}
