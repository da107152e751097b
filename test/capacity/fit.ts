/** One measurement: how often each thing happened, and what all of it cost. */
export interface Sample {
  readonly counts: readonly number[];
  readonly cost: number;
}

const ROUNDS = 20_000;

/**
 * What one of each thing costs, none of them less than nothing: the costs under which the samples' errors, each by its own cost, have the
 * least sum of squares. A small sample counts as much as a large one.
 */
export function fitCosts(samples: readonly Sample[]): readonly number[] {
  const rows = samples.map(({ counts, cost }) => counts.map((count) => count / cost));
  const things = rows[0]?.length ?? 0;
  const product = (a: number, b: number): number => rows.reduce((sum, row) => sum + (row[a] ?? 0) * (row[b] ?? 0), 0);
  const squares = Array.from({ length: things }, (_, a) => Array.from({ length: things }, (__, b) => product(a, b)));
  const sums = Array.from({ length: things }, (_, a) => rows.reduce((sum, row) => sum + (row[a] ?? 0), 0));
  const costs = Array.from({ length: things }, () => 0);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let thing = 0; thing < things; thing += 1) costs[thing] = bestOf(thing, squares[thing] ?? [], sums, costs);
  }
  return costs;
}

/** The best cost of one thing while those of the others stay as they are. */
function bestOf(thing: number, squares: readonly number[], sums: readonly number[], costs: readonly number[]): number {
  const own = squares[thing] ?? 0;
  if (own === 0) return 0;
  const others = squares.reduce(
    (sum, square, place) => (place === thing ? sum : sum + square * (costs[place] ?? 0)),
    0,
  );
  return Math.max(0, ((sums[thing] ?? 0) - others) / own);
}
