import { randomInt } from "node:crypto";

/** The least that a client waits before it comes back, in milliseconds. */
const MIN_MS = 1_000;

/** Without pressure; delays are spread so that clients that were cut off together do not come back together. */
const CALM_MAX_MS = 3_000;

const FULL_MAX_MS = 30_000;

/** How long a client is to wait before it comes back; longer the higher the pressure on this edge is, from 0 to 1. */
export function chooseRetryDelay(pressure: number): number {
  return randomInt(MIN_MS, CALM_MAX_MS + Math.round(pressure * (FULL_MAX_MS - CALM_MAX_MS)));
}
