import { useEffect } from "preact/hooks";
import type { LiveThing } from "#shared/contract/live-things.ts";
import { useConsole, useTenant } from "./console-context.ts";

/** What changes all the time is read no more often: a reading that is slow must be able to end. */
const LEAST_MS = 2_000;

/** Reads a list of the tenant anew when it has changed, while the page is looked at. */
export function useLive(thing: LiveThing, reload: () => void): void {
  const { live } = useConsole();
  const tenant = useTenant();
  useEffect(() => {
    if (tenant === undefined) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let readAt = Number.NEGATIVE_INFINITY;
    const read = (): void => {
      timer = undefined;
      readAt = performance.now();
      if (!document.hidden) reload();
    };
    const stop = live.watch(tenant, thing, () => {
      timer ??= setTimeout(read, Math.max(0, readAt + LEAST_MS - performance.now()));
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [live, tenant, thing, reload]);
}
