import { setTimeout as delay } from "node:timers/promises";
import { topicMatches } from "#shared/protocol/topics.ts";
import { backoffMs } from "#shared/time/backoff.ts";
import type { Grant } from "./decisions.ts";
import type { EventEntry } from "../event.ts";
import type { FrameFormat } from "../sse/encode-frame.ts";
import { frameFor } from "../audiences/frame-for.ts";
import type { Registration } from "./registration.ts";
import type { Tenant } from "../connections/tenant.ts";

const ASK_AGAIN = { baseMs: 50, maxMs: 1_000 };

/**
 * The frame of an event for somebody who has this grant at its place in the log, undefined where it is not for them; or what
 * to wait for before that is known.
 */
export function authorizeEvent(
  tenant: Tenant,
  { topics, grantEndedBy, changed }: Registration,
  grant: Grant,
  entry: EventEntry,
  format: FrameFormat,
): Buffer | undefined | Promise<void> {
  const { decisions } = tenant;
  if (!topics.some((pattern) => topicMatches(pattern, entry.topic))) return undefined;
  if (!decisions.knowsEventsBefore(grantEndedBy)) return changed.next();
  const permission = decisions.permissionFor(entry.type);
  if (permission === undefined) return undefined;
  const residual = decisions.residual(grant, permission, entry.position.seq, grantEndedBy);
  if (residual !== undefined) return frameFor(tenant, entry, residual, format);
  // What policy answers now is as new as what ended the grant, or newer: the grant that comes next is judged by it.
  if (grantEndedBy !== undefined) return changed.next();
  return decisions.ask(grant, permission).catch(() => delay(backoffMs(3, ASK_AGAIN)));
}
