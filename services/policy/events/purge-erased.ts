import type { ErasedEntry } from "#shared/contract/control-entry.ts";
import type { ErasureLog, LoggedErasure } from "./erasure-log.ts";
import { findKept } from "./find-erasable.ts";

/** An erasure: which events, by whom and why. Never their content. */
export interface Erasure {
  readonly tenant: string;
  readonly by: string;
  readonly reason: string;
  /** Where the request came from; undefined for policy itself. */
  readonly address?: string | undefined;
  readonly entry: ErasedEntry;
  /** How many events were purged; undefined where the purge failed, and is made up for later. */
  readonly erased: number | undefined;
}

/** An erased entry that was seen last, and whether its purge is known to be done. */
interface SeenErasure {
  readonly sequence: number;
  readonly isPurged: boolean;
}

export interface EraseDeps {
  readonly logs: ErasureLog;
  /** What this process knows of each tenant's last erased entry. */
  readonly seenErasures: Map<string, SeenErasure>;
  /** Called for every announced erasure. The answer waits for it; it never fails. */
  readonly onErased: (erasure: Erasure) => Promise<void> | void;
}

/** Purges the events that an entry names, and answers how many were there. */
export async function purgeErased(logs: ErasureLog, tenant: string, entry: ErasedEntry): Promise<number> {
  if ("subject" in entry) return logs.purge(tenant, entry.subject, entry.through);
  const byTopic = await findKept(logs, tenant, entry.ids);
  let erased = 0;
  for (const [topic, sequences] of byTopic) erased += await logs.purge(tenant, topic, Math.max(...sequences));
  return erased;
}

/**
 * Purges the events of the tenant's last erased entry: the process that announced it may have ended before. Only the
 * last entry can be unpurged, as each erasure begins with this. Answers that entry.
 */
export async function finishErasure(deps: EraseDeps, tenant: string): Promise<LoggedErasure> {
  const seen = deps.seenErasures.get(tenant);
  if (seen === undefined) await finishMirrored(deps, tenant);
  const last = await deps.logs.lastErasedEntry(tenant);
  if (seen?.sequence !== last.sequence || !seen.isPurged) await finish(deps, tenant, last);
  return last;
}

/**
 * Does the same periodically. Until the next look a new entry is left to the process that announced it, so that its
 * answer has the count.
 */
export async function reconcileErasure(deps: EraseDeps, tenant: string): Promise<void> {
  const seen = deps.seenErasures.get(tenant);
  if (seen === undefined) await finishMirrored(deps, tenant);
  const last = await deps.logs.lastErasedEntry(tenant);
  if (seen?.sequence !== last.sequence) deps.seenErasures.set(tenant, { sequence: last.sequence, isPurged: false });
  else if (!seen.isPurged) await finish(deps, tenant, last);
}

/** Of a log that was a mirror any entry may be unpurged. */
async function finishMirrored(deps: EraseDeps, tenant: string): Promise<void> {
  const { unpurgedUpTo } = await deps.logs.describe(tenant);
  for (let from = 1; from <= unpurgedUpTo;) {
    const { entry, sequence } = await deps.logs.nextErasedEntry(tenant, from);
    if (sequence === 0 || sequence > unpurgedUpTo) return;
    await purgeLate(deps, tenant, entry);
    from = sequence + 1;
  }
}

async function finish(deps: EraseDeps, tenant: string, { entry, sequence }: LoggedErasure): Promise<void> {
  await purgeLate(deps, tenant, entry);
  deps.seenErasures.set(tenant, { sequence, isPurged: true });
}

async function purgeLate(deps: EraseDeps, tenant: string, entry: ErasedEntry | undefined): Promise<void> {
  const erased = entry === undefined ? 0 : await purgeErased(deps.logs, tenant, entry);
  if (entry === undefined || erased === 0) return;
  await deps.onErased({ tenant, by: "policy", reason: "an announced erasure was not finished", entry, erased });
}
