/** Clocks reach the same moment a little apart: a time that is told twice must be the same. */
const TOLERANCE_MS = 1_000;

/** The clocks. */
export interface WallTimesDeps {
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
}

/** Gives monotonic times as milliseconds since 1970: the same ones each time, unless the clock was set by a second or more. */
export function createWallTimes({ now, wall }: WallTimesDeps): (monotonicMs: number) => number {
  let offset = wall() - now();
  return (monotonicMs) => {
    const present = wall() - now();
    if (Math.abs(present - offset) >= TOLERANCE_MS) offset = present;
    return Math.round(monotonicMs + offset);
  };
}
