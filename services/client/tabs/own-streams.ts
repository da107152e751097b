import type { Locks } from "../environment/environment.ts";

/** Tabs that read a stream of their own at a time: a browser has six connections to a host over HTTP/1.1, and the leader needs one. */
const MAX_OWN_STREAMS = 4;

/** Takes one of the places for tabs that read a stream of their own; answers what gives it back, undefined where none is free. */
export async function takePlace(locks: Locks, name: string): Promise<(() => void) | undefined> {
  for (let place = 0; place < MAX_OWN_STREAMS; place += 1) {
    const giveBack = await tryLock(locks, `${name}:own-${place}`);
    if (giveBack !== undefined) return giveBack;
  }
  return undefined;
}

function tryLock(locks: Locks, name: string): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    const hold = (lock: object | null): Promise<void> | void => {
      if (lock === null) return resolve(undefined);
      return new Promise<void>((giveBack) => resolve(giveBack));
    };
    locks.request(name, { ifAvailable: true }, hold).catch(reject);
  });
}
