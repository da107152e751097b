import { ConnectionLog } from "../bus/connection-log.ts";
import { openAdmission } from "../clients/open-admission.ts";
import { observeConnectionLog } from "../observe/connection-log-metrics.ts";
import { createObserver } from "../observe/create-observer.ts";
import { createStreamMetrics } from "../observe/metrics.ts";
import { openOverloadGuard } from "../overload/open-overload-guard.ts";
import type { EdgeParts } from "./edge-parts.ts";

/** Opens what decides who is let in, the observer, and the guard against overload. They end with the stack. */
export async function openObserving(
  { config, nats, registry, log, requestLog, workerId, now, wall }: EdgeParts,
  stack: AsyncDisposableStack,
) {
  const { admission, counts, callLimits, roster } = await openAdmission(config, { workerId, wall, log }, stack);
  const figures = observeConnectionLog(registry);
  const { record } = stack.use(new ConnectionLog({ nats, wall, figures, log: requestLog }));
  const observer = createObserver(createStreamMetrics(registry, admission, counts), { log, requestLog, record }, now);
  const overload = openOverloadGuard(config.STREAM_MEMORY_BYTES, stack, { now, observer });
  return { admission, callLimits, roster, observer, overload };
}
