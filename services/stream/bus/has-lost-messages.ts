import type { StreamState } from "@nats-io/jetstream";

/** A leader's counts of a log: its first sequence, and the missing ones behind. */
export type LogCounts = Pick<StreamState, "first_seq"> & { readonly num_deleted?: number };

/**
 * Whether messages were removed from the middle of a log between two looks at it. While the first sequence stays, each
 * removal raises the count of missing ones. After it moved, old holes may have dropped off the beginning while others came:
 * then any missing sequence counts as a removal.
 */
export function hasLostMessages(before: LogCounts, now: LogCounts): boolean {
  const [missingBefore, missingNow] = [before.num_deleted ?? 0, now.num_deleted ?? 0];
  if (now.first_seq === before.first_seq) return missingNow > missingBefore;
  return missingNow > 0;
}
