import { FairPlaces } from "./fair-places.ts";
import { TurnQueue } from "./turn-queue.ts";

/** Runs a task of an owner when it is its turn. */
type Limiter = <T>(owner: string, task: () => Promise<T>) => Promise<T>;

/** Where tasks that run have a place each. */
type Places = Pick<FairPlaces, "hasRoom" | "take">;

/**
 * Runs at most `max` tasks at a time. Those who wait get their turns owner by owner, and within one owner in the order they
 * came: an owner with a thousand tasks keeps one with a single task waiting for a single turn.
 */
export function fairLimiter(max: number): Limiter {
  let taken = 0;
  const hasRoom = (): boolean => taken < max;
  const take = (): Disposable => {
    taken += 1;
    return { [Symbol.dispose]: () => void (taken -= 1) };
  };
  return limiterOf({ hasRoom, take: () => (hasRoom() ? take() : undefined) });
}

/**
 * The same where tasks may take long, as long as a stranger likes: an owner begins another one only while it has fewer under way than may
 * begin, half of all where it is alone. So nobody keeps others waiting for the end of a task.
 */
export function sharingLimiter(max: number): Limiter {
  return limiterOf(new FairPlaces(max));
}

function limiterOf(places: Places): Limiter {
  const waiting = new TurnQueue<() => void>();
  const next = () => waiting.shift((path) => places.hasRoom(path));
  const turnOf = (path: readonly string[]): Promise<Disposable | undefined> =>
    new Promise((resolve) => waiting.push(path, () => resolve(places.take(path))));
  return async (owner, task) => {
    // Whoever waits has no room, so nobody is passed by.
    const place = places.take([owner]) ?? (await turnOf([owner]));
    try {
      return await task();
    } finally {
      place?.[Symbol.dispose]();
      for (let start = next(); start !== undefined; start = next()) start();
    }
  };
}
