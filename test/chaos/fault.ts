import type { Random } from "#test/support/random.ts";
import type { Traffic } from "./traffic/start-traffic.ts";
import type { Side, World } from "./world.ts";

/** What a fault works on. */
export interface Scene {
  readonly world: World;
  readonly traffic: Traffic;
  /** Follows from the seed: what it chooses is chosen again with the same seed. */
  readonly random: Random;
}

/** A fault that is in force. */
export interface Trouble {
  /** What it has hit. */
  readonly target: string;
  /** How long it stays. */
  readonly lastsMs: number;
  /** Takes it away, and answers once everything may recover. */
  readonly end: () => Promise<void>;
}

/** A kind of fault. */
export interface Fault {
  readonly name: string;
  /** How often it comes, against the others: so many times in each round. */
  readonly weight: number;
  /** What it hits; of two faults at once none hits what the other does. Undefined: it comes alone. */
  readonly hits: Side | undefined;
  /** Within this time after its end, everybody must be served again. */
  readonly recoversWithinMs: number;
  /** Alone it is told to nobody: no stream ends, none is told `degraded` or `reset`. */
  readonly goesUnnoticed?: boolean;
  /** Why it cannot be done here; undefined where it can. */
  readonly missing?: (world: World) => string | undefined;
  readonly begin: (scene: Scene) => Promise<Trouble>;
}

/** One of them. */
export function choose<T>(random: Random, from: readonly T[]): T {
  const chosen = from[Math.floor(random() * from.length)];
  if (chosen === undefined) throw new Error("there is nothing to choose from");
  return chosen;
}

/** A time from `from` to `to` seconds, in milliseconds. */
export function seconds(random: Random, from: number, to: number): number {
  return Math.round((from + random() * (to - from)) * 1_000);
}
