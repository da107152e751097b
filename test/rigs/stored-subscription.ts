import type { StoredSubscription } from "#shared/contract/subscription-record.ts";

/** Where a stored subscription stands in its log. */
interface Place {
  readonly epoch: string;
  readonly seq: number;
  readonly tag: string;
}

/** The record of a durable subscription as it is stored, that was seen just now; `change` and `defined` replace fields. */
export function storedSubscription(
  { epoch, seq, tag }: Place,
  change: Partial<StoredSubscription> = {},
  defined: Partial<StoredSubscription["definition"]> = {},
): StoredSubscription {
  const definition = {
    topics: { "order.>": 0 },
    window: 3,
    ackWaitMs: 1_000,
    backoffMs: [],
    maxDeliver: 2,
    ttlSeconds: 86_400,
    ...defined,
  };
  return {
    v: "deliver" in defined ? 2 : 1,
    definition,
    revision: 1,
    epoch,
    through: [seq, tag],
    open: [],
    dead: [],
    early: [],
    reach: 0,
    puts: 0,
    createdAt: 0,
    seenAt: Date.now(),
    ...change,
  };
}
