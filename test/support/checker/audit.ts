import { auditClient } from "./audit-client.ts";
import { collectClients, collectEvents } from "./collect.ts";
import type { Entry } from "./ledger.ts";

/** What the ledgers of all together say. */
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
  /** Published after the right to it had been taken, acknowledged; or never allowed. */
  afterRevoke: number;
  /** Later than two seconds after the session's end. */
  afterExp: number;
  /** Gaps and resets for which the run declares no cause. */
  uncaused: number;
}

/** Counts what the ledgers say went right and wrong, all runs alike: nothing here knows how the edge works. */
export function audit(entries: readonly Entry[]): Account {
  const events = collectEvents(entries);
  const account: Account = {
    published: events.size,
    acknowledged: [...events.values()].filter(({ acknowledged }) => acknowledged !== undefined).length,
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
    uncaused: 0,
  };
  const run = {
    events,
    causes: entries.filter((entry) => entry.of === "cause"),
    bySequence: [...events.values()]
      .flatMap((event) => (event.acknowledged === undefined ? [] : { ...event, ...event.acknowledged }))
      .toSorted((a, b) => a.sequence - b.sequence),
    tenantOfEpoch: new Map<string, string>(),
  };
  for (const client of collectClients(entries).values()) auditClient(run, client, account);
  return account;
}

/** The checker's line. */
export function formatAccount(account: Account): string {
  const counts = Object.entries(account).map(([name, count]) => `${name} ${count}`);
  return `${isSound(account) ? "sound" : "UNSOUND"}: ${counts.join(", ")}`;
}

/** Whether all is as promised. A run in which nothing was delivered proves nothing, and is not. */
export function isSound(account: Account): boolean {
  const { delivered, lost, duplicates, outOfOrder, crossTenant, unpublished, afterRevoke, afterExp, uncaused } =
    account;
  const wrong = lost + duplicates + outOfOrder + crossTenant + unpublished + afterRevoke + afterExp + uncaused;
  return delivered > 0 && wrong === 0;
}

/** Ends a run: prints the checker's line, and throws it where not everything is as promised. */
export function conclude(entries: readonly Entry[]): Account {
  const account = audit(entries);
  const line = formatAccount(account);
  process.stdout.write(`${line}\n`);
  if (!isSound(account)) throw new Error(line);
  return account;
}
