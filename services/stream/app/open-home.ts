import type { OpenConnection } from "#shared/contract/edge-questions.ts";
import type { ReadinessChecks } from "#shared/lifecycle/readiness.ts";
import { createLogCheck } from "#shared/nats/check-log.ts";
import type { TokenVerifier } from "#shared/tokens/token-verifier.ts";
import { hearAnnouncements } from "../bus/topic-announcements.ts";
import { heedAnnouncement } from "../connections/calls/heed-announcement.ts";
import { startKeepAlive } from "../connections/keep-alive.ts";
import { startRenewingTopics } from "../connections/keep-topics.ts";
import { lifetimesOf } from "../connections/lifetimes.ts";
import type { Door } from "../http/door.ts";
import { ClientHealth } from "../observe/client-health.ts";
import { createDoor, type DoorDeps, openVerifier } from "./create-door.ts";
import type { HomeParts } from "./home-parts.ts";
import { openEdge, type RunningEdge } from "./open-edge.ts";
import { openOperations } from "./open-operations.ts";

/** A home that is served. */
export interface OpenHome {
  readonly edge: RunningEdge;
  readonly door: Door;
  readonly verifier: TokenVerifier;
  /** What the home's requests need. */
  readonly checks: ReadinessChecks;
  readonly connections: () => Promise<OpenConnection[]>;
}

/** Opens a home: all of an edge but what its homes share. It ends with the stack. */
export async function openHome(
  parts: HomeParts,
  stack: AsyncDisposableStack,
  doors: Pick<DoorDeps, "demo" | "doorOf">,
): Promise<OpenHome> {
  const { nats, now, config } = parts;
  const edge = await openEdge(parts, stack);
  const verifier = await openVerifier(parts, stack, edge);
  stack.use(hearAnnouncements(nats, (said) => heedAnnouncement(said, edge), edge.observer));
  stack.use(startRenewingTopics(edge));
  stack.use(startKeepAlive(edge.hub, { ...edge, lifetimes: lifetimesOf(config) }));
  const clients = new ClientHealth(now);
  const { connections } = openOperations(parts, stack, edge, { clients });
  return {
    edge,
    verifier,
    door: createDoor(parts, { ...doors, edge, verifier, clients }),
    checks: { ...verifier.checks, log_unusable: createLogCheck(nats) },
    connections,
  };
}
