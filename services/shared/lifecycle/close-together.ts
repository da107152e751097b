import { within } from "../async/within.ts";

/**
 * Has the stack close servers together: one after the other, their graces would add up.
 * Waits no longer than `graceMs` for the slowest. Answers how a server is added.
 */
export function closeTogether(stack: AsyncDisposableStack, graceMs: number): (close: () => Promise<void>) => void {
  const closings: (() => Promise<void>)[] = [];
  stack.defer(async () => {
    await within(graceMs, Promise.all(closings.map((close) => close())));
  });
  return (close) => void closings.push(close);
}
