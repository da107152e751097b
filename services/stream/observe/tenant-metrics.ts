import { counterWhenRead, gaugeWhenRead } from "#shared/metrics/counted-when-read.ts";
import type { Registry } from "prom-client";

/** A tenant whose log is read here, as far as it is counted. */
export interface CountedTenant {
  readonly id: string;
  /** Open streams. */
  readonly streams: number;
  /** Since its log was opened, once for each stream. */
  readonly eventsDelivered: number;
  /** `unread`: entries that the log's leader has told of and that were not read yet. */
  readonly log: { readonly isLive: boolean; readonly unread: number };
}

/** Tenants may be thousands, and each label is a series of the monitoring. */
const MAX_NAMED = 20;

/** Registers the figures of tenants, when metrics are read: of all together, and by name of the largest ones alone. */
export function observeTenants(registry: Registry, tenants: () => Iterable<CountedTenant>): void {
  const gauge = (name: string, help: string, aggregator: "sum" | "max", read: (all: CountedTenant[]) => number): void =>
    gaugeWhenRead(registry, { name, help, aggregator }, (metric) => metric.set(read([...tenants()])));
  gauge(
    "sluice_stream_feeds",
    "Logs that are read: of tenants with listeners, or with listeners just now",
    "sum",
    (all) => all.length,
  );
  gauge(
    "sluice_stream_feeds_silent",
    "Logs among them that have given no sign of life for 10 s: nothing of theirs is delivered",
    "sum",
    (all) => all.filter(({ log }) => !log.isLive).length,
  );
  gauge(
    "sluice_stream_feed_unread_entries",
    "The most entries of one log that were not read yet, as its leader told last",
    "max",
    (all) => all.reduce((most, { log }) => Math.max(most, log.unread), 0),
  );
  const labelNames = ["tenant" as const];
  const open = {
    name: "sluice_stream_tenant_connections",
    help: "Open streams of the 20 tenants with the most",
    labelNames,
  };
  gaugeWhenRead(registry, open, (metric) => {
    for (const { id, streams } of largest(tenants(), "streams")) metric.set({ tenant: id }, streams);
  });
  const delivered = {
    name: "sluice_stream_tenant_events_delivered_total",
    help: "Events written to sockets, of the 20 tenants with the most",
    labelNames,
  };
  counterWhenRead(registry, delivered, (metric) => {
    for (const { id, eventsDelivered } of largest(tenants(), "eventsDelivered"))
      metric.inc({ tenant: id }, eventsDelivered);
  });
}

function largest(tenants: Iterable<CountedTenant>, by: "streams" | "eventsDelivered"): readonly CountedTenant[] {
  return [...tenants].toSorted((a, b) => b[by] - a[by]).slice(0, MAX_NAMED);
}
