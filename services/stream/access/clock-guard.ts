import { type Clock, MAX_PARTING_MS } from "#shared/time/clock.ts";

/**
 * Answers a check that calls `onJump` when the two clocks have parted since the last check: the machine slept (its monotonic
 * clock did not count the time) or somebody set the wall clock. Deadlines counted on the monotonic clock mean nothing then,
 * until auth has answered again. The check runs before an event is written; reading the time has no effects.
 */
export function guardClock(clock: Clock, onJump: () => void): () => void {
  const offsetNow = (): number => clock.wall() - clock.monotonic();
  let offset = offsetNow();
  return () => {
    const present = offsetNow();
    if (Math.abs(present - offset) <= MAX_PARTING_MS) return;
    offset = present;
    onJump();
  };
}
