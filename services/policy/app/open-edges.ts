import type { NatsConnection } from "@nats-io/transport-node";
import { systemClock as clock } from "#shared/time/clock.ts";
import { createEdges } from "../bus/ask-edges.ts";
import { openConnectionHistory } from "../bus/connection-history.ts";
import type { ConnectionHistory } from "../edges/connection-history.ts";
import type { Edges } from "../edges/edges.ts";
import { createChangeFeed } from "../bus/change-feed.ts";
import { createLiveChanges, type LiveChanges } from "../live/live-changes.ts";
import { createEventFeed } from "../bus/event-feed.ts";
import type { EventLog } from "../events/event-log.ts";
import { type Explaining, openExplaining } from "./open-explaining.ts";
import { createEventTails, type EventTails } from "../tail-events.ts";

/** The edges, as policy knows them. */
export interface OpenEdges extends Explaining {
  readonly edges: Edges;
  readonly history: ConnectionHistory;
  readonly tails: EventTails;
  readonly live: LiveChanges;
}

/** A worker that lives answers within milliseconds. */
const DEADLINE_MS = 1_000;

/** Opens what policy knows of the edges: their answers, the log of their streams, and whom events reach. */
export async function openEdges(nats: NatsConnection, logs: Pick<EventLog, "describe">): Promise<OpenEdges> {
  const edges = createEdges({ nats, now: () => clock.monotonic(), deadlineMs: DEADLINE_MS });
  const tails = createEventTails({ logs, feed: createEventFeed(nats), edges, wall: () => clock.wall() });
  const live = createLiveChanges(createChangeFeed(nats));
  return { edges, history: openConnectionHistory(nats), tails, live, ...(await openExplaining(nats)) };
}
