import type { Bus } from "#test/support/start-stack.ts";
import type { Ledger } from "./ledger.ts";
import { createProducerBy, type Producer } from "./producer.ts";

/** A producer over HTTP, and where its events go. */
export interface HttpProducerDeps {
  readonly tenant: string;
  readonly ledger: Ledger;
  readonly urls: readonly string[];
  /** The access token of the moment. */
  readonly token: () => string;
  /** Reads back where an event stands in the log: the publisher does not say. */
  readonly operator: Bus;
}

/** A producer over HTTP, each time by the next address; the key of each event is its own. */
export function createHttpProducer({ tenant, ledger, urls, token, operator }: HttpProducerDeps): Producer {
  let tries = 0;
  return createProducerBy(tenant, ledger, async (topic, text, id) => {
    const [resource = "", action = ""] = topic.split(".");
    const answer = await fetch(`${urls[(tries += 1) % urls.length]}/v1/events`, {
      method: "POST",
      headers: { authorization: `Bearer ${token()}`, "content-type": "application/cloudevents+json" },
      body: JSON.stringify({
        specversion: "1.0",
        id,
        source: "test",
        type: `${resource}.${action}`,
        subject: id,
        datacontenttype: "text/plain",
        data: text,
      }),
      signal: AbortSignal.timeout(5_000),
    });
    if (answer.status !== 200) return undefined;
    const manager = await operator.manager();
    const stored = await manager.streams.getMessage(`EVENTS_${tenant}`, {
      last_by_subj: `events.${tenant}.${resource}.${action}.${id}`,
    });
    return stored?.seq;
  });
}
