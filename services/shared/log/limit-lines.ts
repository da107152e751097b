import type { Logger } from "./create-logger.ts";

/** A stranger must not decide how much is written: of each kind so many lines, the rest as one sum. */
const LINES_PER_SECOND = 20;

/** A log in which each kind of line is written at most 20 times a second. Disposing it writes the sums that are still open. */
export interface LimitedLog extends Disposable {
  /** Writes a line, or counts it for the sum of its kind. Kinds are a closed set: each costs memory for good. */
  write(level: Level, kind: string, facts: object, message: string): void;
}

type Level = "info" | "warn" | "error";

/** Where lines go; a `Logger` is one. */
export type LineLog = Pick<Record<keyof Logger, (facts: object, message: string) => void>, Level>;

interface Window {
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
    const { leftOut } = window;
    if (leftOut > 0) log.info({ kind, leftOut }, `… ${leftOut} more lines of this kind within a second`);
  };
  const windowOf = (kind: string): Window => {
    const known = windows.get(kind);
    if (known !== undefined && now() - known.startedAt < 1_000) return known;
    if (known !== undefined) close(kind, known);
    const window = { startedAt: now(), written: 0, leftOut: 0, timer: undefined };
    windows.set(kind, window);
    return window;
  };
  return {
    write(level, kind, facts, message) {
      const window = windowOf(kind);
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
