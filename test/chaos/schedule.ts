import { createRandom, type Random } from "#test/support/random.ts";
import { choose, type Fault } from "./fault.ts";

/** After every other step with one fault comes one with two. */
const PAIRS = 1 / 2;

/** What comes next: one fault, or two at once. */
export interface Step {
  readonly faults: readonly [Fault] | readonly [Fault, Fault];
  /** For all that the faults choose. */
  readonly random: Random;
  /** How long nothing is disturbed after it. */
  readonly quietMs: number;
}

/**
 * The steps that follow from the seed, without end. Each round has every fault alone as often as it weighs; between them
 * come pairs of faults that hit different things.
 */
export function* planSteps(seed: number, faults: readonly Fault[]): Generator<Step, never> {
  const random = createRandom(seed);
  const stepOf = (chosen: Step["faults"]): Step => ({
    faults: chosen,
    // A generator of its own: what one step takes of it changes nothing for the next.
    random: createRandom(Math.floor(random() * 2 ** 32)),
    quietMs: 2_000 + Math.floor(random() * 4_000),
  });
  for (;;) {
    for (const fault of shuffle(random, faults.flatMap(asOftenAsItWeighs))) {
      yield stepOf([fault]);
      const pair = random() < PAIRS ? choosePair(random, faults) : undefined;
      if (pair !== undefined) yield stepOf(pair);
    }
  }
}

function asOftenAsItWeighs(fault: Fault): readonly Fault[] {
  return Array.from({ length: fault.weight }, () => fault);
}

/** Two that hit different things; undefined where there are none. */
function choosePair(random: Random, faults: readonly Fault[]): readonly [Fault, Fault] | undefined {
  const first = choose(random, faults);
  const others = faults.filter(({ hits }) => hits !== undefined && first.hits !== undefined && hits !== first.hits);
  return others.length === 0 ? undefined : [first, choose(random, others)];
}

function shuffle<T>(random: Random, from: readonly T[]): T[] {
  const mixed = from.map((value) => ({ value, key: random() }));
  return mixed.toSorted((a, b) => a.key - b.key).map(({ value }) => value);
}
