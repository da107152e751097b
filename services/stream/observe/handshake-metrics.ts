import { Counter, type Registry } from "prom-client";
import { TRANSPORTS } from "#shared/protocol/transports.ts";
import { codeFor } from "../admission/refusal.ts";
import { nameFirst } from "./name-first.ts";
import type { Observer } from "./observer.ts";

const MAX_NAMED_TENANTS = 20;

/** Registers the figures of requests for streams. */
export function countHandshakes(registers: Registry[]): Pick<Observer, "opened" | "refused" | "turnedAway"> {
  const handshakes = new Counter({
    name: "sluice_stream_handshakes_total",
    help: "Streams asked for, by outcome",
    labelNames: ["outcome"],
    registers,
  });
  // What begins at 0 has a rate from its first time on; an alert would miss that otherwise.
  for (const outcome of ["accepted", "unavailable"]) handshakes.inc({ outcome }, 0);
  const opened = new Counter({
    name: "sluice_stream_opened_total",
    help: "Streams that began, by the road that their frames come by",
    labelNames: ["transport"],
    registers,
  });
  for (const transport of TRANSPORTS) opened.inc({ transport }, 0);
  const refused = new Counter({
    name: "sluice_stream_refused_total",
    help: "Streams refused for now, by the reason that clients were told",
    labelNames: ["reason"],
    registers,
  });
  const tenantFull = new Counter({
    name: "sluice_stream_tenant_full_total",
    help: "Streams refused for now because their tenant had as many as it may",
    labelNames: ["tenant"],
    registers,
  });
  const tenantLabel = nameFirst(MAX_NAMED_TENANTS);
  return {
    opened({ transport }) {
      handshakes.inc({ outcome: "accepted" });
      if (transport !== undefined) opened.inc({ transport });
    },
    refused({ code, busy }, { tenant }) {
      handshakes.inc({ outcome: code });
      if (busy !== undefined) refused.inc({ reason: busy });
      if (busy === "tenant_streams" && tenant !== undefined) tenantFull.inc({ tenant: tenantLabel(tenant) });
    },
    turnedAway(reason) {
      handshakes.inc({ outcome: codeFor(reason) });
      refused.inc({ reason });
    },
  };
}
