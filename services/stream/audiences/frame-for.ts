import type { Residual } from "../access/residual.ts";
import type { EventEntry } from "../event.ts";
import { encodeEvent, type FrameFormat } from "../sse/encode-frame.ts";
import type { Tenant } from "../connections/tenant.ts";

/**
 * The frame of an event for those the residual is about; undefined where it is not for them. An event that cannot be
 * judged or encoded is set aside: nobody gets it, and everybody goes on behind it.
 */
export function frameFor(
  tenant: Tenant,
  entry: EventEntry,
  residual: Residual,
  format: FrameFormat,
): Buffer | undefined {
  try {
    return residual.allows(entry) ? encodeEvent(tenant.id, tenant.epoch, entry, format) : undefined;
  } catch (error) {
    tenant.quarantine(entry, error);
    return undefined;
  }
}
