import { AppError } from "#shared/errors/app-error.ts";

/** Runs a job when there is room for it; throws AppError `unavailable` at once when too many wait already. */
export type Gate = <Result>(job: () => Promise<Result>) => Promise<Result>;

/** Lets so many jobs run at once and so many wait, in the order they came. */
export function createGate({ maxRunning, maxWaiting }: { maxRunning: number; maxWaiting: number }): Gate {
  let running = 0;
  const waiting: (() => void)[] = [];
  const enter = async (): Promise<void> => {
    if (running < maxRunning) {
      running++;
      return;
    }
    if (waiting.length >= maxWaiting) throw new AppError("unavailable", "too many at once; try again");
    await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const leave = (): void => {
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  };
  return async (job) => {
    await enter();
    try {
      return await job();
    } finally {
      leave();
    }
  };
}
