import type { Ledger } from "#test/support/checker/ledger.ts";
import { createProducerBy, type Producer } from "#test/support/checker/producer.ts";
import type { Bus } from "#test/support/start-stack.ts";
import { inTurn } from "../retry.ts";
import type { Person } from "./person.ts";

/** A producer over HTTP, and where its events go. */
export interface HttpProducerDeps {
  readonly tenant: string;
  readonly ledger: Ledger;
  readonly urls: readonly string[];
  readonly person: Person;
  /** Reads back where an event stands in the log: the publisher does not say. */
  readonly operator: Bus;
}

/** A producer over HTTP, each time by the next address; the key of each event is its own. */
export function createHttpProducer({ tenant, ledger, urls, person, operator }: HttpProducerDeps): Producer {
  let tries = 0;
  return createProducerBy(tenant, ledger, async (topic, text, id) => {
    const [resource = "", action = ""] = topic.split(".");
    const answer = await fetch(`${inTurn(urls, (tries += 1))}/v1/events`, {
      method: "POST",
      headers: { authorization: `Bearer ${person.token()}`, "content-type": "application/cloudevents+json" },
      body: JSON.stringify({
        specversion: "1.0",
        id,
        source: "chaos",
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
