import { type Account, emptyAccount, formatAccount, isSound } from "./account.ts";
import { auditClient } from "./audit-client.ts";
import type { AcknowledgedEvent } from "./audited-run.ts";
import { type Cause, collectCauses, collectClients, collectEvents } from "./collect.ts";
import type { Entry } from "./ledger.ts";
import { Workers } from "./workers.ts";

/** Counts what went right and wrong by the ledgers of any run. It knows nothing of how the edge works. */
export function audit(entries: readonly Entry[]): Account {
  const events = collectEvents(entries);
  const account = emptyAccount();
  account.published = events.size;
  account.acknowledged = [...events.values()].filter(({ acknowledged }) => acknowledged !== undefined).length;
  const causes = collectCauses(entries);
  const run = {
    events,
    causes,
    erasures: entries.filter((entry) => entry.of === "erased"),
    workers: new Workers(entries),
    bySequence: withoutForgotten(
      [...events.values()]
        .flatMap((event) => (event.acknowledged === undefined ? [] : { ...event, ...event.acknowledged }))
        .toSorted((a, b) => a.sequence - b.sequence),
      causes,
    ),
    tenantOfEpoch: new Map<string, string>(),
    byTopics: new Map<string, readonly AcknowledgedEvent[]>(),
  };
  for (const client of collectClients(entries).values()) auditClient(run, client, account);
  return account;
}

/**
 * Without the events that a log had lost when it gave their sequences again, the first and all behind it. Nobody can deliver them, and who had
 * not come as far as them cannot know that they were there.
 */
function withoutForgotten(bySequence: readonly AcknowledgedEvent[], causes: readonly Cause[]): AcknowledgedEvent[] {
  const losses = causes
    .filter(({ event }) => event === "reset")
    .map(({ tenant, at }) => {
      const again = bySequence.find((event) => event.tenant === tenant && event.publishedAt > at);
      return { tenant, at, from: again?.sequence ?? Number.POSITIVE_INFINITY };
    });
  return bySequence.filter(
    ({ tenant, sequence, acknowledgedAt }) =>
      !losses.some((loss) => loss.tenant === tenant && acknowledgedAt < loss.at && sequence >= loss.from),
  );
}

/** Ends a run: prints the account, and throws it where it is not sound. */
export function conclude(entries: readonly Entry[]): Account {
  const account = audit(entries);
  const line = formatAccount(account);
  process.stdout.write(`${line}\n`);
  if (!isSound(account)) throw new Error(line);
  return account;
}
