import type { FallbackReason, NETWORKS } from "#shared/protocol/client-report.ts";
import { Counter, Histogram, type Registry } from "prom-client";
import { type Transport, TRANSPORTS } from "#shared/protocol/transports.ts";
import { nameFirst } from "./name-first.ts";

/** What kinds of programs are told apart. */
export const CLIENT_FAMILIES = ["chrome", "firefox", "safari", "other"] as const;

interface Fallback {
  readonly from: Transport;
  readonly reason: FallbackReason;
}

/** What a client saw since its last report. It says nothing of the person. */
export interface ClientReport {
  readonly transport: Transport;
  readonly family: (typeof CLIENT_FAMILIES)[number];
  readonly fallback?: Fallback | undefined;
  readonly reconnects: number;
  /** How often nothing came for longer than a heartbeat allows. */
  readonly stalls: number;
  /** From the request for a stream to its first event. */
  readonly firstEventMs?: number | undefined;
  readonly network?: (typeof NETWORKS)[number] | undefined;
  /** A name of the client's own choice. */
  readonly region?: string | undefined;
}

/** So many regions have a series of their own, the first that come; the others are one. */
const MAX_REGIONS = 20;

/** Registers the figures that clients report, and answers what counts a report. */
export function observeClients(registry: Registry): (report: ClientReport) => void {
  const registers = [registry];
  const count = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name: `sluice_stream_client_${name}_total`, help, labelNames, registers });
  const reports = count("reports", "Reports of clients, by the road they use and their kind", ["transport", "family"]);
  const fallbacks = count("fallbacks", "Roads that clients have left for another, and why", ["from", "reason"]);
  const reconnects = count("reconnects", "Reconnects that clients report", ["family", "network"]);
  const stalls = count("stalls", "Silences that clients report, longer than a heartbeat allows", ["family", "network"]);
  const byRegion = count("region_reports", "Reports of clients by the region they name", ["region"]);
  const firstEvent = new Histogram({
    name: "sluice_stream_client_first_event_seconds",
    help: "From a client's request for a stream to its first event, as the client saw it",
    labelNames: ["transport"],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  for (const transport of TRANSPORTS) reports.inc({ transport, family: "other" }, 0);
  const regionOf = nameFirst(MAX_REGIONS);
  return ({ transport, family, fallback, network = "unknown", region, firstEventMs, ...seen }) => {
    reports.inc({ transport, family });
    if (fallback !== undefined) fallbacks.inc({ ...fallback });
    reconnects.inc({ family, network }, seen.reconnects);
    stalls.inc({ family, network }, seen.stalls);
    if (region !== undefined) byRegion.inc({ region: regionOf(region) });
    if (firstEventMs !== undefined) firstEvent.observe({ transport }, firstEventMs / 1_000);
  };
}
