import { setTimeout as delay } from "node:timers/promises";
import { topicMatches } from "#shared/contract/topics.ts";
import { backoffMs } from "#shared/time/backoff.ts";
import type { Grant } from "../authorization/decisions.ts";
import type { EventEntry } from "../event.ts";
import type { Listing } from "./listing.ts";
import type { Tenant } from "./tenant.ts";

const ASK_AGAIN = { baseMs: 50, maxMs: 1_000 };

/** Whether an event is for somebody who has this grant at its place in the log; or what to wait for before that is known. */
export function judge(
  { decisions }: Tenant,
  { topics, grantEndedBy, changed }: Listing,
  grant: Grant,
  entry: EventEntry,
): boolean | Promise<void> {
  if (!topics.some((pattern) => topicMatches(pattern, entry.topic))) return false;
  if (!decisions.knowsEventsBefore(grantEndedBy)) return changed.next();
  const permission = decisions.permissionFor(entry.type);
  if (permission === undefined) return false;
  const residual = decisions.residual(grant, permission, entry.position.seq, grantEndedBy);
  if (residual !== undefined) return residual.allows(entry);
  // What policy answers now is as new as what ended the grant, or newer: the grant that comes next is judged by it.
  if (grantEndedBy !== undefined) return changed.next();
  return decisions.ask(grant, permission).catch(() => delay(backoffMs(3, ASK_AGAIN)));
}
