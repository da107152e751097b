import type { StreamState } from "@nats-io/jetstream";

/** What a log's leader counts. */
export type LogCounts = Pick<StreamState, "first_seq"> & { readonly num_deleted?: number };

/**
 * Whether messages were taken out of the middle of a log between two looks at it. Where the first sequence stood still, the
 * number of missing sequences behind it only rises, and rises with each. Where it moved, holes may have dropped off the
 * beginning while others came; without a hole before, there was none that could. In what is left nobody can tell, and the
 * answer is yes.
 */
export function hasLostMessages(before: LogCounts, now: LogCounts): boolean {
  const [missingBefore, missingNow] = [before.num_deleted ?? 0, now.num_deleted ?? 0];
  if (now.first_seq === before.first_seq) return missingNow > missingBefore;
  return missingNow > 0;
}
