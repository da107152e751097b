import type { Census, Observer } from "./observer.ts";

/** What is counted once a second of the streams of a home. */
type Counted = Pick<Observer, "idle" | "counted">;

interface Home {
  idle: number;
  census: Census | undefined;
}

/** Shows what is counted of each home as the figures of the whole edge. */
export class HomeCounts {
  readonly #shown: Counted;
  readonly #homes = new Set<Home>();

  constructor(shown: Counted) {
    this.#shown = shown;
  }

  /** Takes the counts of one more home, until disposed. */
  forHome(): Counted & Disposable {
    const home: Home = { idle: 0, census: undefined };
    this.#homes.add(home);
    return {
      idle: (streams) => {
        home.idle = streams;
        this.#shown.idle([...this.#homes].reduce((sum, { idle }) => sum + idle, 0));
      },
      counted: (census) => {
        home.census = census;
        this.#shown.counted(sumOf([...this.#homes].flatMap((each) => each.census ?? [])));
      },
      [Symbol.dispose]: () => void this.#homes.delete(home),
    };
  }
}

function sumOf(counts: readonly Census[]): Census {
  const [only, ...others] = counts;
  if (only !== undefined && others.length === 0) return only;
  return {
    live: counts.reduce((sum, { live }) => sum + live, 0),
    byTransport: sumByKey(counts.map(({ byTransport }) => byTransport)),
    behind: sumByKey(counts.map(({ behind }) => behind)),
    lagEntries: Math.max(0, ...counts.map(({ lagEntries }) => lagEntries)),
    lagMs: Math.max(0, ...counts.map(({ lagMs }) => lagMs)),
  };
}

function sumByKey(counts: readonly Readonly<Partial<Record<string, number>>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const [key, count = 0] of counts.flatMap((each) => Object.entries(each))) sum[key] = (sum[key] ?? 0) + count;
  return sum;
}
