import type { Logger } from "#shared/log/create-logger.ts";
import { Admission } from "../admission/admission.ts";
import { type AdmissionSettings, callLimitsOf, limitsOf } from "../admission/admission-settings.ts";
import { CallLimits, createCallRates } from "../admission/call-limits.ts";
import { shareCounts } from "#shared/limits/share-counts.ts";
import { SharedCounts } from "#shared/limits/shared-counts.ts";
import { openCountStore } from "#shared/redis/open-count-store.ts";

/** The settings that admission is opened by. */
type OpenAdmissionSettings = AdmissionSettings &
  Parameters<typeof openCountStore>[0] & { readonly STREAM_WORKERS: number; readonly STREAM_MAX_CONNECTIONS: number };

interface OpenAdmissionDeps {
  readonly workerId: string;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
  readonly log: Logger;
}

/** What admission consists of. */
interface OpenAdmission {
  readonly admission: Admission;
  readonly counts: SharedCounts;
  readonly callLimits: CallLimits;
  /** The workers that count together. */
  readonly roster: ReturnType<typeof rosterOf>;
}

/** Counts streams and calls together with the other workers, until the stack ends it. */
export async function openAdmission(
  settings: OpenAdmissionSettings,
  { workerId, wall, log }: OpenAdmissionDeps,
  stack: AsyncDisposableStack,
): Promise<OpenAdmission> {
  const counts = new SharedCounts(settings.STREAM_LIMITS_SHARED_BY ?? settings.STREAM_WORKERS);
  const store = await openCountStore(settings, { service: "stream", workerId }, stack, log);
  stack.use(shareCounts(counts, store, log));
  const admission = new Admission({ ...limitsOf(settings), places: settings.STREAM_MAX_CONNECTIONS, counts, wall });
  return {
    counts,
    admission,
    roster: rosterOf(store, counts),
    callLimits: new CallLimits(createCallRates(counts, { wall }), { ...callLimitsOf(settings), wall }),
  };
}

function rosterOf(store: Awaited<ReturnType<typeof openCountStore>>, counts: SharedCounts) {
  return { read: store && (() => store.livingWorkers()), size: () => counts.workers };
}
