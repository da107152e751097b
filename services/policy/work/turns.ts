import { setImmediate as nextTurn } from "node:timers/promises";

/** Work in steps: whoever runs it decides where others have their turn. */
export type Steps<Result> = Generator<void, Result, void>;

/** How long one turn may take, in milliseconds: the steps of all work take less than that each. */
const TURN_MS = 3;

/** Runs all steps at once, where nobody else waits. */
export function runNow<Result>(steps: Steps<Result>): Result {
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}

/** Runs the steps in turns of a few milliseconds, between which others have theirs. */
export async function runInTurns<Result>(steps: Steps<Result>): Promise<Result> {
  let end = performance.now() + TURN_MS;
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (performance.now() < end) continue;
    await nextTurn();
    end = performance.now() + TURN_MS;
  }
}

/** What `work` makes of each item, in turns. */
export function mapInTurns<Item, Result>(items: readonly Item[], work: (item: Item) => Result): Promise<Result[]> {
  return runInTurns(mapSteps(items, work));
}

function* mapSteps<Item, Result>(items: readonly Item[], work: (item: Item) => Result): Steps<Result[]> {
  const results: Result[] = [];
  for (const item of items) {
    results.push(work(item));
    yield;
  }
  return results;
}

/** The parts of a list, of up to `size` items each. */
export function* partsOf<Item>(items: readonly Item[], size: number): Generator<Item[]> {
  for (let first = 0; first < items.length; first += size) yield items.slice(first, first + size);
}
