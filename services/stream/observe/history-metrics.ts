import { Counter, Gauge, type Registry } from "prom-client";

/** What the edge holds of logs, and what it reads of their history. */
export interface HistorySource {
  readonly tailBudget: { readonly bytes: number };
  readonly turns: { readonly bytesRead: number; readonly waiting: number };
}

/** Registers the figures of tails and history. */
export function observeHistory(registry: Registry, { tailBudget, turns }: HistorySource): void {
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
