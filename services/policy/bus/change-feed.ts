import { DeliverPolicy, jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { orUnavailable } from "#shared/async/or-unavailable.ts";
import { CONNECTIONS_STREAM } from "#shared/contract/connection-log.ts";
import type { LiveThing } from "#shared/contract/live-things.ts";
import { SUBSCRIPTIONS_STREAM, tenantSubscriptions } from "#shared/contract/subscriptions.ts";
import type { ChangeFeed } from "../live/change-feed.ts";

/** Hears changes by consumers of the connection log and of the records of subscriptions, which are sent no payloads. */
export function createChangeFeed(nats: NatsConnection): ChangeFeed {
  return {
    async follow(tenant, onChange, stop) {
      await Promise.all([
        hear(
          nats,
          { stream: CONNECTIONS_STREAM, filter: `connections.${tenant}.>`, thing: "connections" },
          onChange,
          stop,
        ),
        hear(
          nats,
          { stream: SUBSCRIPTIONS_STREAM, filter: tenantSubscriptions(tenant), thing: "subscriptions" },
          onChange,
          stop,
        ),
      ]);
    },
  };
}

interface Heard {
  readonly stream: string;
  readonly filter: string;
  readonly thing: LiveThing;
}

async function hear(
  nats: NatsConnection,
  { stream, filter, thing }: Heard,
  onChange: (thing: LiveThing) => void,
  stop: AbortSignal,
): Promise<void> {
  const consumer = await orUnavailable("the bus does not answer; try again", () =>
    jetstream(nats).consumers.get(stream, {
      filter_subjects: [filter],
      deliver_policy: DeliverPolicy.New,
      headers_only: true,
    }),
  );
  try {
    const messages = await consumer.consume();
    const close = (): void => void messages.close();
    stop.addEventListener("abort", close, { once: true });
    if (stop.aborted) close();
    for await (const _ of messages) onChange(thing);
  } finally {
    // By itself the server keeps it for five minutes.
    void consumer.delete().catch(() => undefined);
  }
}
