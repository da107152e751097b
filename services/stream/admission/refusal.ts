import { AppError } from "#shared/errors/app-error.ts";
import { type BusyReason, busyTexts } from "#shared/protocol/busy-reasons.ts";

/** The reasons that lie with the edge; all others lie with the caller, their network or their tenant. */
const OWN: ReadonlySet<BusyReason> = new Set(["full", "drain", "overload", "unavailable"]);

/** A refusal for now: `unavailable` where the edge is why, `too_many_requests` where the caller is. */
export function refusalFor(busy: BusyReason, retryAfterSeconds?: number): AppError {
  const code = OWN.has(busy) ? "unavailable" : "too_many_requests";
  return new AppError(code, busyTexts[busy], { busy, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) });
}
