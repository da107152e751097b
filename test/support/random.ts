import { SEED_VARIABLE } from "../soak/amount.ts";

/** Answers numbers from 0 to 1. */
export type Random = () => number;

/** A generator of numbers from 0 to 1, always the same ones after the same seed (mulberry32). */
export function createRandom(seed: number): Random {
  const state = new Uint32Array([seed]);
  return () => {
    state[0] = (state[0] ?? 0) + 0x6d2b79f5;
    const next = state[0] ?? 0;
    let mixed = Math.imul(next ^ (next >>> 15), next | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A number from 0 to 1, always the same ones after the seed of a soak. */
export const random: Random = createRandom(Number(process.env[SEED_VARIABLE] ?? Date.now()));
