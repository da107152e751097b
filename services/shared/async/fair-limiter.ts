/**
 * Runs at most `max` tasks at a time. Those who wait get their turns owner by owner, and within one owner in the order they
 * came: an owner with a thousand tasks keeps one with a single task waiting for a single turn.
 */
export function fairLimiter(max: number): <T>(owner: string, task: () => Promise<T>) => Promise<T> {
  /** By owner; the first owner here is next. */
  const waiting = new Map<string, Array<() => void>>();
  let running = 0;
  return async (owner, task) => {
    if (running >= max) await new Promise<void>((resolve) => enqueue(waiting, owner, resolve));
    else running += 1;
    try {
      return await task();
    } finally {
      const next = dequeue(waiting);
      if (next === undefined) running -= 1;
      else next();
    }
  };
}

function enqueue(waiting: Map<string, Array<() => void>>, owner: string, start: () => void): void {
  const queue = waiting.get(owner);
  if (queue === undefined) waiting.set(owner, [start]);
  else queue.push(start);
}

function dequeue(waiting: Map<string, Array<() => void>>): (() => void) | undefined {
  const [first] = waiting;
  if (first === undefined) return undefined;
  const [owner, queue] = first;
  const start = queue.shift();
  waiting.delete(owner);
  if (queue.length > 0) waiting.set(owner, queue);
  return start;
}
