import { Counter, Gauge, type Registry } from "prom-client";
import { TRANSPORTS } from "#shared/protocol/transports.ts";
import type { TransportObserver } from "../transports/transport-health.ts";

/** Registers the figures of transports that fail. */
export function countTransports(registers: Registry[]): TransportObserver {
  const failures = new Counter({
    name: "sluice_stream_transport_failures_total",
    help: "Times that a transport did not work for a client, as the edge saw it or as the client says",
    labelNames: ["transport", "seen_by"],
    registers,
  });
  const away = new Gauge({
    name: "sluice_stream_transport_away",
    help: "Tenants whose clients are not sent to a transport, because it fails for them",
    labelNames: ["transport"],
    registers,
  });
  const mayFail = TRANSPORTS.filter((transport) => transport !== "sse");
  for (const transport of mayFail) {
    away.set({ transport }, 0);
    for (const seenBy of ["edge", "client"]) failures.inc({ transport, seen_by: seenBy }, 0);
  }
  return {
    transportFailed: (transport, seenBy) => failures.inc({ transport, seen_by: seenBy }),
    transportSwitched: (transport, _tenant, isAway) => away.inc({ transport }, isAway ? 1 : -1),
  };
}
