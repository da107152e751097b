import type { ErasureLog } from "./erasure-log.ts";
import { purgeErased } from "./purge-erased.ts";

/** The mirror of a tenant's log: when it was made, and its last entry. */
export interface MirroredLog {
  readonly tenant: string;
  readonly made: string;
  readonly last: number;
}

/** What carrying out erasures takes. */
export interface MirroredErasures {
  /** Lists the mirrors of tenants' logs in a region that does not write them. */
  readonly listMirrors: () => AsyncIterable<MirroredLog>;
  readonly logs: ErasureLog;
  /** What of each mirror is done: the log as it was, and the last erased entry that was carried out. */
  readonly done: Map<string, Pick<MirroredLog, "made" | "last"> & { readonly erasedEntry: number }>;
  /** Called for each entry with how many events were purged. */
  readonly onErased: (erasure: { readonly tenant: string; readonly erased: number }) => void;
  /** Called for a log that does not answer; it is looked at again. */
  readonly onFailed: (tenant: string, error: unknown) => void;
}

/**
 * Purges what erased entries name from the mirrors of this region: JetStream does not mirror purges. An entry comes behind everything
 * that it erases, so a mirror that has it has all of that. It can be repeated, and looks only at logs that have grown.
 */
export async function carryOutErasures(deps: MirroredErasures): Promise<void> {
  for await (const log of deps.listMirrors()) {
    const { made, last } = deps.done.get(log.tenant) ?? {};
    if (made === log.made && last === log.last) continue;
    await carryOutOf(deps, log).catch((error: unknown) => deps.onFailed(log.tenant, error));
  }
}

async function carryOutOf({ logs, done, onErased }: MirroredErasures, log: MirroredLog): Promise<void> {
  const { tenant } = log;
  const before = done.get(tenant);
  let erasedEntry = before?.made === log.made ? before.erasedEntry : 0;
  for (;;) {
    const { entry, sequence } = await logs.nextErasedEntry(tenant, erasedEntry + 1);
    if (sequence === 0) break;
    const erased = entry === undefined ? 0 : await purgeErased(logs, tenant, entry);
    erasedEntry = sequence;
    onErased({ tenant, erased });
  }
  done.set(tenant, { made: log.made, last: log.last, erasedEntry });
}
