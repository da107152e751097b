import { type Account, emptyAccount, formatAccount, isSound } from "./account.ts";
import { auditClient } from "./audit-client.ts";
import type { AcknowledgedEvent } from "./audited-run.ts";
import { collectCauses, collectClients, collectEvents } from "./collect.ts";
import type { Entry } from "./ledger.ts";

/** Counts what went right and wrong by the ledgers of any run. It knows nothing of how the edge works. */
export function audit(entries: readonly Entry[]): Account {
  const events = collectEvents(entries);
  const account = emptyAccount();
  account.published = events.size;
  account.acknowledged = [...events.values()].filter(({ acknowledged }) => acknowledged !== undefined).length;
  const run = {
    events,
    causes: collectCauses(entries),
    erasures: entries.filter((entry) => entry.of === "erased"),
    bySequence: [...events.values()]
      .flatMap((event) => (event.acknowledged === undefined ? [] : { ...event, ...event.acknowledged }))
      .toSorted((a, b) => a.sequence - b.sequence),
    tenantOfEpoch: new Map<string, string>(),
    byTopics: new Map<string, readonly AcknowledgedEvent[]>(),
  };
  for (const client of collectClients(entries).values()) auditClient(run, client, account);
  return account;
}

/** Ends a run: prints the account, and throws it where it is not sound. */
export function conclude(entries: readonly Entry[]): Account {
  const account = audit(entries);
  const line = formatAccount(account);
  process.stdout.write(`${line}\n`);
  if (!isSound(account)) throw new Error(line);
  return account;
}
