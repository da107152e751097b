import { performance } from "node:perf_hooks";

/** The time, in milliseconds. Deadlines use `monotonic`, which nobody can set; `wall` is for what people read. */
export interface Clock {
  monotonic(): number;
  wall(): number;
}

/** This machine's clock. */
export const systemClock: Clock = {
  monotonic: () => performance.now(),
  wall: () => Date.now(),
};
