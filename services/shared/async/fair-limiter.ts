import { FairPlaces } from "./fair-places.ts";
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

/**
 * The same where tasks may take long, as long as a stranger likes: an owner begins another one only while it has fewer under way than may
 * begin, half of all where it is alone. So nobody keeps others waiting for the end of a task.
 */
export function sharingLimiter(max: number): ReturnType<typeof fairLimiter> {
  const places = new FairPlaces(max);
  const waiting = new TurnQueue<() => void>();
  const next = () => waiting.shift((path) => places.hasRoom(path));
  const begin = (): void => {
    for (let start = next(); start !== undefined; start = next()) start();
  };
  return async (owner, task) => {
    const turn = Promise.withResolvers<Disposable | undefined>();
    waiting.push([owner], () => turn.resolve(places.take([owner])));
    begin();
    const place = await turn.promise;
    try {
      return await task();
    } finally {
      place?.[Symbol.dispose]();
      begin();
    }
  };
}
