import { gaugeWhenRead } from "#shared/metrics/counted-when-read.ts";
import { Counter, Histogram, type Registry } from "prom-client";

/** How often and how long webhooks are posted. */
export interface WebhookMetrics {
  /** A message with so many events was answered, or not, after so many seconds. */
  posted(outcome: WebhookOutcome, events: number, seconds: number): void;
}

/** What became of a message. */
export type WebhookOutcome = (typeof OUTCOMES)[number];

const OUTCOMES = ["delivered", "failed", "gone", "withheld"] as const;

/**
 * Registers the figures of webhooks; `counts` says how many subscriptions with a callback there are, and are held here, and `away` how
 * many hosts are left alone.
 */
export function observeWebhooks(
  registry: Registry,
  counts: () => { readonly known: number; readonly held: number },
  away: () => number,
): WebhookMetrics {
  const registers = [registry];
  const labelNames = ["outcome"];
  const posts = new Counter({
    name: "sluice_stream_webhook_posts_total",
    help: "Messages to callbacks, by what became of them",
    labelNames,
    registers,
  });
  const events = new Counter({
    name: "sluice_stream_webhook_events_total",
    help: "Events in messages to callbacks, by what became of those; one that comes again counts again",
    labelNames,
    registers,
  });
  for (const outcome of OUTCOMES) for (const counter of [posts, events]) counter.inc({ outcome }, 0);
  const seconds = new Histogram({
    name: "sluice_stream_webhook_post_seconds",
    help: "How long a callback takes to answer, or does not",
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60],
    registers,
  });
  const hostsAway = {
    name: "sluice_stream_webhook_hosts_away",
    help: "Hosts that are left alone because they take nothing; for each tenant anew",
  };
  gaugeWhenRead(registry, hostsAway, (gauge) => gauge.set(away()));
  const subscriptions = {
    name: "sluice_stream_webhook_subscriptions",
    help: "Subscriptions with a callback: all that are known, and those that this process delivers",
    labelNames: ["state" as const],
  };
  gaugeWhenRead(registry, subscriptions, (gauge) => {
    const { known, held } = counts();
    gauge.set({ state: "known" }, known);
    gauge.set({ state: "held" }, held);
  });
  return {
    posted(outcome, count, took) {
      posts.inc({ outcome });
      events.inc({ outcome }, count);
      if (outcome !== "withheld") seconds.observe(took);
    },
  };
}
