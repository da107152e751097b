import { Counter, type Registry } from "prom-client";

/** Counts what becomes of the entries of the connection log. */
export interface ConnectionLogFigures {
  stored(entries: number): void;
  lost(entries: number): void;
}

/** Registers the figures of the connection log. */
export function observeConnectionLog(registry: Registry): ConnectionLogFigures {
  const entries = new Counter({
    name: "sluice_stream_connection_entries_total",
    help: "Entries for the connection log, by outcome; one that is lost is missing in what is said of a person's past streams",
    labelNames: ["outcome"],
    registers: [registry],
  });
  for (const outcome of ["stored", "lost"]) entries.inc({ outcome }, 0);
  return {
    stored: (count) => entries.inc({ outcome: "stored" }, count),
    lost: (count) => entries.inc({ outcome: "lost" }, count),
  };
}
