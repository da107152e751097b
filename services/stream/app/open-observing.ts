import { openAdmission } from "../clients/open-admission.ts";
import { createObserver } from "../observe/create-observer.ts";
import { createStreamMetrics } from "../observe/metrics.ts";
import { openOverloadGuard } from "../overload/open-overload-guard.ts";
import type { EdgeParts } from "./edge-parts.ts";

/** Opens what decides who is let in, the observer, and the guard against overload. They end with the stack. */
export async function openObserving(
  { config, registry, log, requestLog, workerId, now, wall }: EdgeParts,
  stack: AsyncDisposableStack,
) {
  const { admission, counts, callLimits, roster } = await openAdmission(config, { workerId, wall, log }, stack);
  const observer = createObserver(createStreamMetrics(registry, admission, counts), { log, requestLog }, now);
  const overload = openOverloadGuard(config.STREAM_MEMORY_BYTES, stack, { now, observer });
  return { admission, callLimits, roster, observer, overload };
}
