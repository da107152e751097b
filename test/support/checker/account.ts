/** The counts over all ledgers of a run. */
export interface Account {
  published: number;
  acknowledged: number;
  delivered: number;
  /** Acknowledged, allowed, due, and neither delivered nor covered by a gap or reset. */
  lost: number;
  gaps: number;
  resets: number;
  duplicates: number;
  outOfOrder: number;
  /** Another tenant's event, or an id of another tenant's log. */
  crossTenant: number;
  /** Events that nobody has published. */
  unpublished: number;
  /** Published after the loss of its right was acknowledged; or never allowed. */
  afterRevoke: number;
  /** Later than two seconds after the session's end. */
  afterExp: number;
  /** Erased, and delivered after the erasure was acknowledged. */
  afterErased: number;
  /** Before the position behind which its topic was added. */
  early: number;
  /** Of a topic that was removed before. */
  late: number;
  /** Changes of topics that were answered, and not in force in the client's next stream. */
  unkept: number;
  /** Gaps and resets for which the run declares no cause. */
  uncaused: number;
}

/** An account of nothing. */
export function emptyAccount(): Account {
  return {
    published: 0,
    acknowledged: 0,
    delivered: 0,
    lost: 0,
    gaps: 0,
    resets: 0,
    duplicates: 0,
    outOfOrder: 0,
    crossTenant: 0,
    unpublished: 0,
    afterRevoke: 0,
    afterExp: 0,
    afterErased: 0,
    early: 0,
    late: 0,
    unkept: 0,
    uncaused: 0,
  };
}

/** The account as a line. */
export function formatAccount(account: Account): string {
  const counts = Object.entries(account).map(([name, count]) => `${name} ${count}`);
  return `${isSound(account) ? "sound" : "UNSOUND"}: ${counts.join(", ")}`;
}

/** Whether every promise holds. A run without deliveries proves nothing, and is not sound. */
export function isSound(account: Account): boolean {
  const { delivered, lost, duplicates, outOfOrder, crossTenant, unpublished } = account;
  const { afterRevoke, afterExp, afterErased, uncaused, early, late, unkept } = account;
  const untrue = lost + duplicates + outOfOrder + crossTenant + unpublished + uncaused;
  return delivered > 0 && untrue + afterRevoke + afterExp + afterErased + early + late + unkept === 0;
}
