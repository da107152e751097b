import { OverloadGuard, type OverloadObserver, startOverloadGuard } from "./overload-guard.ts";
import { readProcessLimits, startLoadReader } from "./read-load.ts";

/** Starts the guard of a process against overload, by the memory that it may use; the stack ends it. */
export function openOverloadGuard(
  memoryBytes: number | undefined,
  stack: AsyncDisposableStack,
  deps: { readonly now: () => number; readonly observer: OverloadObserver },
): OverloadGuard {
  const load = stack.use(startLoadReader(readProcessLimits(memoryBytes)));
  const guard = new OverloadGuard({ readLoad: load.read, ...deps });
  stack.use(startOverloadGuard(guard));
  return guard;
}
