import {
  auditSubscription,
  concludeSubscription,
  type SubscriptionMoment,
} from "#test/support/checker/subscription-audit.ts";
import { monotonicMs } from "#test/support/checker/ledger.ts";
import { subscriberAt } from "#test/support/subscriptions.ts";
import { waitFor } from "#test/support/wait.ts";
import type { Bus } from "#test/support/start-stack.ts";
import { pairsOf, type Probe, type ProbeDeps } from "../probe.ts";

const NAME = "kept";
const DEFINITION = { topics: ["issue_comment.kept.>"], window: 10, ackWaitMs: 600_000, maxDeliver: 100 };

/** What a probe of subscriptions needs. */
export interface SubscriptionsDeps extends ProbeDeps {
  /** A connection of the tenant's producers. */
  readonly demo: Bus;
}

/** A durable subscription goes from edge to edge: one delivers, the other one takes the acknowledgements. */
export async function createSubscriptionsProbe({ cluster, demo }: SubscriptionsDeps): Promise<Probe> {
  const { access_token: alice } = await cluster.login("alice");
  const moments: SubscriptionMoment[] = [];
  let published = 0;
  const publish = async (): Promise<void> => {
    const text = `kept ${(published += 1)}`;
    const at = monotonicMs();
    await demo.publish("events.demo.issue_comment.kept.k", text);
    moments.push({ of: "published", text, at });
  };
  const [[first]] = pairsOf(cluster, "stream") as [readonly [string, string]];
  const { status } = await subscriberAt(first, alice).call("PUT", `/${NAME}`, DEFINITION);
  if (status !== 201) throw new Error(`the subscription was not made: ${status}`);
  return {
    name: "durable subscriptions",
    async look() {
      for (const [here, there] of pairsOf(cluster, "stream")) {
        await publish();
        await publish();
        const openedAt = monotonicMs();
        await using stream = await subscriberAt(here, alice).attach(NAME, "&takeover=true");
        const received = await waitFor(`kept ${published}`, () => {
          const events = stream.frames.filter(({ event }) => event === "message");
          return events.at(-1)?.data === `kept ${published}` && events;
        });
        for (const { id = "", data } of received) moments.push({ of: "received", id, text: data, openedAt });
        // The last one stays open, and has to come again at the other one.
        const ids = received.slice(0, -1).map(({ id = "" }) => id);
        const answer = await subscriberAt(there, alice).ack(NAME, ids);
        if (answer !== 204) throw new Error(`acknowledgements: ${answer}`);
        for (const id of ids) moments.push({ of: "acknowledged", id, at: monotonicMs() });
      }
      // What is open now counts as acknowledged: it comes with the next look.
      const open = moments.findLast((moment) => moment.of === "received");
      const so = open?.of === "received" ? [{ of: "acknowledged", id: open.id, at: monotonicMs() } as const] : [];
      concludeSubscription(auditSubscription([...moments, ...so], DEFINITION));
    },
  };
}
