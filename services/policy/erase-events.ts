import type { ErasedEntry } from "#shared/contract/control-entry.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { findErasable } from "./events/find-erasable.ts";
import { type EraseDeps, type Erasure, finishErasure, purgeErased } from "./events/purge-erased.ts";

/** What to erase, for whom and why. */
export interface EraseRequest extends Pick<Erasure, "by" | "reason" | "address"> {
  /** Events whose topic matches a pattern, or events by their ids. */
  readonly what: { readonly subject: string } | { readonly ids: readonly string[] };
}

/** What was erased: so many events, of those that the log had up to and including this sequence. */
export interface Erased {
  readonly through: number;
  readonly erased: number;
}

/** How often an erasure begins anew because another one was announced first. */
const MAX_ATTEMPTS = 32;

/**
 * The way of an erasure: find what it names → finish the erasure before it → announce → purge → audit. From the announcement
 * on no edge serves the events, whether they are purged yet or not.
 * @throws {AppError} `tenant_unknown`, what `findErasable` throws, `internal` where the log takes no purges; then nothing was
 * done. `unavailable` when a log does not answer: then the erasure may be announced, and is finished by any process.
 */
export async function eraseEvents(deps: EraseDeps, tenant: string, request: EraseRequest): Promise<Erased> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const { last: through, takesPurges } = await deps.logs.describe(tenant);
    if (!takesPurges) throw new AppError("internal", `the log of tenant ${tenant} takes no purges (deny_purge)`);
    const { what } = request;
    if ("ids" in what) await findErasable(deps.logs, tenant, what.ids);
    const before = await finishErasure(deps, tenant);
    const entry: ErasedEntry = "ids" in what ? { ids: [...what.ids], through } : { subject: what.subject, through };
    const sequence = await deps.logs.appendErasedEntry(tenant, entry, before.sequence);
    if (sequence === undefined) continue;
    const erased = await purgeAnnounced(deps, tenant, entry, request);
    deps.seenErasures.set(tenant, { sequence, isPurged: true });
    return { through, erased };
  }
  throw new AppError("unavailable", `too much is erased in tenant ${tenant} at once; try again`);
}

/** An erasure whose purge fails is in the audit trail, too: everybody who reads the log has seen it. */
async function purgeAnnounced(
  { logs, onErased }: EraseDeps,
  tenant: string,
  entry: ErasedEntry,
  { by, reason, address }: EraseRequest,
): Promise<number> {
  const noted = { tenant, by, reason, address, entry };
  try {
    const erased = await purgeErased(logs, tenant, entry);
    await onErased({ ...noted, erased });
    return erased;
  } catch (error) {
    await onErased({ ...noted, erased: undefined });
    throw error;
  }
}
