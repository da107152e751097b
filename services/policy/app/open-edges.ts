import type { NatsConnection } from "@nats-io/transport-node";
import { systemClock as clock } from "#shared/time/clock.ts";
import { createEdges } from "../bus/ask-edges.ts";
import { openConnectionHistory } from "../bus/connection-history.ts";
import type { ConnectionHistory } from "../edges/connection-history.ts";
import type { Edges } from "../edges/edges.ts";

/** A worker that lives answers within milliseconds. */
const DEADLINE_MS = 1_000;

/** Opens what policy knows of the edges: their answers, and the log of their streams. */
export function openEdges(nats: NatsConnection): { readonly edges: Edges; readonly history: ConnectionHistory } {
  const edges = createEdges({ nats, now: () => clock.monotonic(), deadlineMs: DEADLINE_MS });
  return { edges, history: openConnectionHistory(nats) };
}
