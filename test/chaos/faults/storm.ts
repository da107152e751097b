import { setTimeout as delay } from "node:timers/promises";

/** A crowd that does something again and again, so many times a second, until it is told to stop. */
export interface Crowd {
  stop(): Promise<number>;
}

/** Starts it; so many attempts may be under way at once. What an attempt throws counts as an attempt. */
export function startCrowd(perSecond: number, atOnce: number, attempt: (n: number) => Promise<unknown>): Crowd {
  const stopping = new AbortController();
  const underWay = new Set<Promise<unknown>>();
  let count = 0;
  const running = (async () => {
    const begin = performance.now();
    while (!stopping.signal.aborted) {
      const due = ((performance.now() - begin) * perSecond) / 1_000;
      for (; count < due && underWay.size < atOnce; count += 1) {
        const work: Promise<unknown> = attempt(count)
          .catch(() => {})
          .finally(() => underWay.delete(work));
        underWay.add(work);
      }
      await delay(20);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await running;
      await Promise.all(underWay);
      return count;
    },
  };
}
