import { createRandom, type Random } from "#test/support/random.ts";
import type { Fault } from "./fault.ts";

/** One of three steps has two faults at once, from the second round on. */
const PAIRS = 1 / 3;

/** What comes next: one fault, or two at once. */
export interface Step {
  readonly faults: readonly [Fault] | readonly [Fault, Fault];
  /** For all that the faults choose. */
  readonly random: Random;
  /** How long nothing is disturbed after it. */
  readonly quietMs: number;
}

/**
 * The steps that follow from the seed, without end. Each round has every fault as often as it weighs; the first has every fault
 * alone, later ones have some of them two at once.
 */
export function* planSteps(seed: number, faults: readonly Fault[]): Generator<Step, never> {
  const random = createRandom(seed);
  for (let round = 0; ; round += 1) {
    const deck = shuffle(
      random,
      faults.flatMap((fault) => Array.from({ length: fault.weight }, () => fault)),
    );
    for (let first = deck.shift(); first !== undefined; first = deck.shift()) {
      const second = round > 0 && random() < PAIRS ? takePartner(deck, first) : undefined;
      yield {
        faults: second === undefined ? [first] : [first, second],
        // A generator of its own: what one step takes of it changes nothing for the next.
        random: createRandom(Math.floor(random() * 2 ** 32)),
        quietMs: 2_000 + Math.floor(random() * 4_000),
      };
    }
  }
}

/** Takes the next fault that hits something else. */
function takePartner(deck: Fault[], { hits }: Fault): Fault | undefined {
  const place = deck.findIndex((other) => other.hits !== undefined && hits !== undefined && other.hits !== hits);
  return place === -1 ? undefined : deck.splice(place, 1)[0];
}

function shuffle<T>(random: Random, from: readonly T[]): T[] {
  const mixed = from.map((value) => ({ value, key: random() }));
  return mixed.toSorted((a, b) => a.key - b.key).map(({ value }) => value);
}
