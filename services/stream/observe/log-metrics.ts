import type { Registry } from "prom-client";
import { counterWhenRead, gaugeWhenRead } from "#shared/metrics/counted-when-read.ts";
import { type CountedTenant, observeTenants } from "./tenant-metrics.ts";

/** What the edge holds of logs, and what it reads of their history. */
export interface LogSource {
  readonly tenants: () => Iterable<CountedTenant>;
  readonly tailBudget: { readonly bytes: number };
  readonly turns: { readonly bytesRead: number; readonly waiting: number };
}

/** Registers the figures of logs: whose are read, their tails, and what is read of their history. */
export function observeLogs(registry: Registry, { tenants, tailBudget, turns }: LogSource): void {
  observeTenants(registry, tenants);
  const gauge = (name: string, help: string, read: () => number): void =>
    gaugeWhenRead(registry, { name, help }, (metric) => metric.set(read()));
  gauge("sluice_stream_tail_bytes", "Memory held for entries of logs, frames included", () => tailBudget.bytes);
  gauge("sluice_stream_history_waiting", "Readers that wait for a turn to read history", () => turns.waiting);
  const read = {
    name: "sluice_stream_history_read_bytes_total",
    help: "History read from JetStream, once for all readers that share it",
  };
  counterWhenRead(registry, read, (counter) => counter.inc(turns.bytesRead));
}
