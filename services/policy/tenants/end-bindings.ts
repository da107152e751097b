import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "#shared/log/create-logger.ts";
import { changePolicy, type ChangeDeps } from "../change-policy.ts";
import { dropEnded } from "../changes/commands.ts";

/**
 * Makes a new version of every policy with an ended binding, again and again until `stop`. The time of storage says
 * which bindings a version has. So if two processes see the same end, one makes the version, and an end that no process
 * saw is made up for later.
 */
export async function endBindings(
  deps: ChangeDeps,
  { everyMs, stop, log }: { readonly everyMs: number; readonly stop: AbortSignal; readonly log: Logger },
): Promise<void> {
  while (!stop.aborted) {
    const now = deps.clock.wall();
    for (const { document, bindingsEnd } of deps.snapshots.held()) {
      if (stop.aborted) return;
      if (bindingsEnd > now) continue;
      await changePolicy(deps, document.tenant, dropEnded(now)).catch((error: unknown) => {
        log.warn({ err: error, tenant: document.tenant }, "the end of a binding cannot be announced right now");
      });
    }
    await delay(everyMs, undefined, { signal: stop }).catch(() => undefined);
  }
}
