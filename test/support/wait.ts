import { setTimeout as delay } from "node:timers/promises";

/** What takes this long does not come any more, also where the machine is busy with something else. */
const GIVE_UP_MS = 30_000;

/** Waits until `condition` holds (or gives something that is not undefined or false), looking again every 10 ms. */
export async function waitFor<T>(
  what: string,
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = GIVE_UP_MS,
): Promise<T> {
  const giveUp = performance.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > giveUp) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`);
    await delay(10);
  }
}
