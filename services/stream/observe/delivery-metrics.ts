import { counterWhenRead } from "#shared/metrics/counted-when-read.ts";
import type { Registry } from "prom-client";
import { type Observer, WITHHELD_REASONS, type WithheldReason } from "./observer.ts";
import { Tally } from "./tally.ts";

const SECONDS = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** What is observed of each event on its way from the log to sockets. */
type DeliveryObserver = Pick<Observer, "fed" | "flushed" | "delivered" | "deliveredAfter" | "withheld" | "revoked">;

/** Registers the figures of the way of an event. Plain numbers and tallies: an event has its way far more often than metrics are read. */
export function countDelivery(registry: Registry): DeliveryObserver {
  const delivered = { events: 0, bytes: 0 };
  const withheld: Record<WithheldReason, number> = { no_rule: 0, no_listener: 0, denied: 0 };
  const counter = (name: string, help: string, read: () => number): void =>
    counterWhenRead(registry, { name, help }, (metric) => metric.inc(read()));
  counter(
    "sluice_stream_events_delivered_total",
    "Events written to sockets, once for each socket",
    () => delivered.events,
  );
  counter(
    "sluice_stream_event_bytes_total",
    "Bytes that these events took, gaps between them included, as coded",
    () => delivered.bytes,
  );
  const unwritten = {
    name: "sluice_stream_events_withheld_total",
    help: "Events that this process wrote to nobody, once its readers had all passed them",
    labelNames: ["reason" as const],
  };
  counterWhenRead(registry, unwritten, (metric) => {
    for (const reason of WITHHELD_REASONS) metric.inc({ reason }, withheld[reason]);
  });
  const fed = tally(registry, "sluice_stream_feed_lag_seconds", `From the log's storing an entry ${CLOCKS} reading it`);
  const delivery = tally(
    registry,
    "sluice_stream_delivery_seconds",
    `From the log's storing an event ${CLOCKS} having written it to the last live reader of an audience; each reader counts`,
  );
  const revoke = tally(
    registry,
    "sluice_stream_revoke_seconds",
    `From the log's storing that a right is over ${CLOCKS} writing the last byte to a stream that had it`,
  );
  return {
    fed: (ms) => fed(ms),
    deliveredAfter: (ms, streams) => delivery(ms, streams),
    revoked: (ms) => revoke(ms),
    ...countFlushes(registry),
    delivered(events, bytes) {
      delivered.events += events;
      delivered.bytes += bytes;
    },
    withheld(reason) {
      withheld[reason] += 1;
    },
  };
}

const CLOCKS = "(by the broker's clock) to this process's (by its own)";

function tally(registry: Registry, name: string, help: string): (ms: number, times?: number) => void {
  const seconds = new Tally(registry, { name, help, buckets: SECONDS });
  // Between two clocks it may be negative.
  return (ms, times) => seconds.observe(Math.max(0, ms) / 1_000, times);
}

function countFlushes(registry: Registry): Pick<Observer, "flushed"> {
  const events = new Tally(registry, {
    name: "sluice_stream_flush_events",
    help: "Events that left together, once for each audience",
    buckets: [1, 2, 5, 10, 25, 50, 100, 250, 1_000],
  });
  const bytes = new Tally(registry, {
    name: "sluice_stream_flush_bytes",
    help: "Their size, before they are coded",
    buckets: [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576],
  });
  return {
    flushed(count, size) {
      events.observe(count);
      bytes.observe(size);
    },
  };
}
