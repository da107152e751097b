import { TurnQueue } from "./turn-queue.ts";

/**
 * Runs at most `max` tasks at a time. Those who wait get their turns owner by owner, and within one owner in the order they
 * came: an owner with a thousand tasks keeps one with a single task waiting for a single turn.
 */
export function fairLimiter(max: number): <T>(owner: string, task: () => Promise<T>) => Promise<T> {
  const waiting = new TurnQueue<() => void>();
  let running = 0;
  return async (owner, task) => {
    if (running >= max) await new Promise<void>((resolve) => waiting.push([owner], resolve));
    else running += 1;
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
