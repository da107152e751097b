import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "#shared/log/create-logger.ts";
import { changePolicy, type ChangeDeps } from "../change-policy.ts";
import { dropEnded } from "../changes/commands.ts";

/** How often, and for how long after a version further ends are gathered for the next one. */
export interface EndBindingsOptions {
  readonly everyMs: number;
  readonly togetherMs: number;
  readonly stop: AbortSignal;
  readonly log: Logger;
}

/**
 * Makes a new version of every policy with an ended binding, again and again until `stop`. The time of storage says
 * which bindings a version has. So if two processes see the same end, one makes the version, and an end that no process
 * saw is made up for later. Nobody waits for these versions: whoever decides knows when a binding ends. So the first end makes
 * one at once, and those that follow within `togetherMs` make one together.
 */
export async function endBindings(
  deps: ChangeDeps,
  { everyMs, togetherMs, stop, log }: EndBindingsOptions,
): Promise<void> {
  const madeAt = new Map<string, number>();
  while (!stop.aborted) {
    const now = deps.clock.wall();
    for (const { document, bindingsEnd } of deps.snapshots.held()) {
      if (stop.aborted) return;
      if (bindingsEnd > now) continue;
      const sinceMs = deps.clock.monotonic() - (madeAt.get(document.tenant) ?? Number.NEGATIVE_INFINITY);
      if (sinceMs < togetherMs) continue;
      madeAt.set(document.tenant, deps.clock.monotonic());
      await changePolicy(deps, document.tenant, dropEnded(now)).catch((error: unknown) => {
        madeAt.delete(document.tenant);
        log.warn({ err: error, tenant: document.tenant }, "the end of a binding cannot be announced right now");
      });
    }
    await delay(everyMs, undefined, { signal: stop }).catch(() => undefined);
  }
}
