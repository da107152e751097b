import { Counter, Gauge, type Registry } from "prom-client";
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
    registry.registerMetric(
      new Gauge({
        name,
        help,
        registers: [],
        collect() {
          this.set(read());
        },
      }),
    );
  gauge("sluice_stream_tail_bytes", "Memory held for entries of logs, frames included", () => tailBudget.bytes);
  gauge("sluice_stream_history_waiting", "Readers that wait for a turn to read history", () => turns.waiting);
  registry.registerMetric(
    new Counter({
      name: "sluice_stream_history_read_bytes_total",
      help: "History read from JetStream, once for all readers that share it",
      registers: [],
      collect() {
        this.reset();
        this.inc(turns.bytesRead);
      },
    }),
  );
}
