import { setImmediate as nextTurn } from "node:timers/promises";

/** Does the work for each item, in order, for so many at a time: between them the loop has a turn for everything else. */
export async function inTurns<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Result | Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let from = 0; from < items.length; from += atOnce) {
    if (from > 0) await nextTurn();
    results.push(...(await Promise.all(items.slice(from, from + atOnce).map(work))));
  }
  return results;
}
