import type { Audit, AuditEntry } from "./audit.ts";

/** How long the trail is to reach back, whatever strangers do. */
const KEPT_MS = 90 * 86_400_000;

/** An entry of a refusal is no larger, with the longest names and all that NATS stores beside it. */
const ENTRY_BYTES = 1_024;

/** Refused logins have this share of the trail, and as much again within the time that it is to reach back. */
const SHARE = 1 / 4;

interface RefusalLimit {
  /** The size of the trail. */
  readonly maxBytes: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Called for each entry that is left out. */
  readonly onLeftOut: () => void;
}

/**
 * Leaves out refused logins beyond half of the trail in 90 days. They need no account, only names of tenants: without a limit
 * anybody could push out what the trail says of logins, revocations and policies.
 */
export function limitRefusals(trail: Audit, { maxBytes, now, onLeftOut }: RefusalLimit): Audit {
  const most = Math.max(1, Math.floor((maxBytes * SHARE) / ENTRY_BYTES));
  let [left, at] = [most, now()];
  const isLeftOut = ({ event }: AuditEntry): boolean => {
    if (event !== "login_refused") return false;
    const time = now();
    left = Math.min(most, left + ((time - at) * most) / KEPT_MS);
    at = time;
    if (left < 1) {
      onLeftOut();
      return true;
    }
    left -= 1;
    return false;
  };
  return {
    note: (entry) => void (isLeftOut(entry) || trail.note(entry)),
    record: async (entry) => void (isLeftOut(entry) || (await trail.record(entry))),
  };
}
