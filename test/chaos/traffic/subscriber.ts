import { setTimeout as delay } from "node:timers/promises";
import { type Ledger, monotonicMs } from "#test/support/checker/ledger.ts";
import {
  auditSubscription,
  type SubscriptionAccount,
  type SubscriptionMoment,
} from "#test/support/checker/subscription-audit.ts";
import { type EventStream, openEventStream } from "#test/support/event-stream.ts";
import { subscriberAt } from "#test/support/subscriptions.ts";
import { waitFor } from "#test/support/wait.ts";
import { inTurn, retry } from "../retry.ts";
import { mayReset, owedTo } from "./owed-to.ts";
import type { Person } from "./person.ts";

/** So many deliveries that none is used up by faults. */
const DEFINITION = { topics: ["issues.>"], window: 50, ackWaitMs: 5_000, maxDeliver: 100 };

/** It goes to another edge so often. */
const MOVES_EVERY_MS = 15_000;

/** What a durable subscription came to. */
export interface ConcludedSubscription {
  readonly account: SubscriptionAccount;
  readonly moments: readonly SubscriptionMoment[];
}

/** Somebody with a durable subscription who acknowledges what comes. */
export interface DurableSubscriber {
  /** Waits until it has acknowledged everything up to the event with this text, and answers what happened and what that comes to. */
  conclude(text: string): Promise<ConcludedSubscription>;
}

/** Where it is, and what the ledger says of the events. */
export interface SubscriberDeps {
  readonly name: string;
  readonly tenant: string;
  readonly person: Person;
  readonly edgeUrls: readonly string[];
  readonly ledger: Ledger;
}

/** Defines the subscription and starts to read. */
export async function startSubscriber(deps: SubscriberDeps): Promise<DurableSubscriber> {
  const { name, tenant, person, edgeUrls, ledger } = deps;
  await retry(async (_, tries) => {
    const { status } = await subscriberAt(inTurn(edgeUrls, tries), person.token()).call("PUT", `/${name}`, DEFINITION);
    if (status !== 200 && status !== 201) throw new Error(`the subscription was not made: ${status}`);
  });
  const begin = ledger.length;
  const moments: SubscriptionMoment[] = [];
  const open = new Map<string, string>();
  const acknowledged = new Set<string>();
  const stopping = new AbortController();
  let turn = 0;
  let resetAt = 0;
  const read = (): Promise<EventStream> => {
    const openedAt = monotonicMs();
    return openEventStream(`${inTurn(edgeUrls, (turn += 1))}/v1/stream?subscription=${name}&takeover=true`, {
      token: person.token(),
      signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(MOVES_EVERY_MS)]),
      onFrame: ({ event, id = "", data }) => {
        // It was told that it has lost what came before that.
        if (event === "reset" && mayReset(ledger, tenant)) resetAt = Number(id.split(".")[1]);
        if (event !== "message") return;
        if (!acknowledged.has(id)) open.set(id, data);
        moments.push({ of: "received", id, text: data, openedAt });
      },
    });
  };
  const acknowledge = async (): Promise<void> => {
    const ids = [...open.keys()].slice(0, DEFINITION.window);
    if (ids.length === 0) return;
    const status = await subscriberAt(inTurn(edgeUrls, (turn += 1)), person.token()).ack(name, ids);
    if (status !== 204) return;
    for (const id of ids) {
      open.delete(id);
      acknowledged.add(id);
      moments.push({ of: "acknowledged", id, at: monotonicMs() });
    }
  };
  const repeat = async (work: () => Promise<unknown>): Promise<void> => {
    while (!stopping.signal.aborted) {
      await work().catch(() => {});
      await delay(500);
    }
  };
  const running = [repeat(async () => (await read()).closed()), repeat(acknowledge)];
  return {
    async conclude(text) {
      const isDone = () =>
        moments.some((moment) => moment.of === "received" && moment.text === text) && open.size === 0;
      const found = await waitFor(`${name}: everything up to ${text}`, isDone, 90_000).catch(() => false);
      stopping.abort();
      await Promise.all(running);
      if (!found) moments.push({ of: "published", text: `${text}, which did not come in time`, at: monotonicMs() });
      const owed = owedTo(ledger.slice(begin), { tenant, last: text, resetAt });
      return { account: auditSubscription([...owed, ...moments], DEFINITION), moments };
    },
  };
}
