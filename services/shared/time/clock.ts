import { performance } from "node:perf_hooks";

/** The time, in milliseconds. Deadlines use `monotonic`, which nobody can set; `wall` is for what people read. */
export interface Clock {
  monotonic(): number;
  wall(): number;
}

/** Wall and monotonic clock may part by this much; beyond it the machine slept, or somebody set its wall clock. */
export const MAX_PARTING_MS = 2_000;

/** This machine's clock. */
export const systemClock: Clock = {
  monotonic: () => performance.now(),
  wall: () => Date.now(),
};
