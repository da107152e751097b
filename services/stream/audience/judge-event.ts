import type { Grant } from "../authorization/decisions.ts";
import type { EventEntry } from "../event.ts";
import { encodeEvent, type FrameFormat } from "../sse/encode-frame.ts";
import type { Tenant } from "./tenant.ts";

/** What policy says of the event is not known here yet. */
export const UNDECIDED = Symbol("undecided");

/**
 * The frame of an event for who holds the grant and reads the format; undefined where it is not for them. An event that
 * cannot be judged or encoded is set aside: nobody gets it, and everybody goes on behind it.
 */
export function judgeEvent(
  tenant: Tenant,
  entry: EventEntry,
  permission: string,
  { grant, format }: { readonly grant: Grant; readonly format: FrameFormat },
): Buffer | typeof UNDECIDED | undefined {
  const residual = tenant.decisions.residual(grant, permission, entry.position.seq);
  if (residual === undefined) return UNDECIDED;
  try {
    return residual.allows(entry.topic) ? encodeEvent(tenant.id, tenant.epoch, entry, format) : undefined;
  } catch (error) {
    tenant.setAside(entry, error);
    return undefined;
  }
}
