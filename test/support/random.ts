import { SEED_VARIABLE } from "../soak/amount.ts";

/** The state of the generator below. */
const state = new Uint32Array([Number(process.env[SEED_VARIABLE] ?? Date.now())]);

/** A number from 0 to 1, always the same ones after the seed of a soak (mulberry32). */
export function random(): number {
  state[0] = (state[0] ?? 0) + 0x6d2b79f5;
  const seed = state[0] ?? 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
