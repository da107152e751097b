import type { LineFacts } from "./line-fields.ts";

/** A stranger must not decide how much is written: of each kind so many lines, the rest as one sum. */
const LINES_PER_SECOND = 50;

/** A log in which each kind of line is written at most 50 times a second. Disposing it writes the sums that are still open. */
export interface LimitedLog extends Disposable {
  /** Writes a line, or counts it for the sum of its kind. Kinds are a closed set: each costs memory for good. */
  write(level: Level, kind: string, facts: LineFacts, message: string): void;
}

type Level = "debug" | "info" | "warn" | "error";

/** Where lines go; a `Logger` is one. */
export type LineLog = Record<Level, (facts: LineFacts, message: string) => void>;

interface Window {
  /** The sum is as serious as the first of the lines. */
  readonly level: Level;
  readonly startedAt: number;
  written: number;
  leftOut: number;
  timer: NodeJS.Timeout | undefined;
}

/** Bounds the lines of each kind. What is left out within a second is written as one line at its end. */
export function limitLines(log: LineLog, now: () => number = () => performance.now()): LimitedLog {
  const windows = new Map<string, Window>();
  const close = (kind: string, window: Window): void => {
    clearTimeout(window.timer);
    windows.delete(kind);
    const { leftOut, level } = window;
    if (leftOut > 0) log[level]({ kind, leftOut }, `… ${leftOut} more lines of this kind within a second`);
  };
  const windowOf = (kind: string, level: Level): Window => {
    const known = windows.get(kind);
    if (known !== undefined && now() - known.startedAt < 1_000) return known;
    if (known !== undefined) close(kind, known);
    const window = { level, startedAt: now(), written: 0, leftOut: 0, timer: undefined };
    windows.set(kind, window);
    return window;
  };
  return {
    write(level, kind, facts, message) {
      const window = windowOf(kind, level);
      window.written += 1;
      if (window.written <= LINES_PER_SECOND) return log[level](facts, message);
      window.leftOut += 1;
      window.timer ??= setTimeout(() => close(kind, window), 1_000);
    },
    [Symbol.dispose]() {
      for (const [kind, window] of windows) close(kind, window);
    },
  };
}
