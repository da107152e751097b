import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { openPersonHistory } from "../bus/person-history.ts";
import type { GatherDeps } from "../explain/gather-streams.ts";
import { sessionEndsKv } from "../store/session-ends-kv.ts";
import type { SubscriptionBook } from "../subscriptions/subscription-book.ts";
import { subscriptionRecordsKv } from "../store/subscription-records-kv.ts";

/** What explaining an event reads beside logs and policies. */
export type Explaining = Pick<GatherDeps, "personHistory" | "sessionEnds" | "records"> & {
  readonly records: SubscriptionBook;
};

/** Opens what explaining an event reads beside logs and policies: who was connected, which sessions ended, and what subscriptions are owed. */
export async function openExplaining(nats: NatsConnection): Promise<Explaining> {
  const manager = await jetstreamManager(nats, { checkAPI: false });
  return {
    personHistory: openPersonHistory(manager),
    sessionEnds: sessionEndsKv(manager),
    records: subscriptionRecordsKv(manager),
  };
}
