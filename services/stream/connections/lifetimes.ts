import type { ByeReason } from "./end-stream.ts";
import type { Reader } from "./reader.ts";

/** How long streams live, in milliseconds; infinity where it does not matter. */
export interface Lifetimes {
  /** A stream without events for so long counts as idle. */
  readonly idleMs: number;
  /** A stream without events for so long ends. */
  readonly idleEndMs: number;
  /** A stream ends at about this age, whatever it does. */
  readonly maxAgeMs: number;
}

/** Around its time each stream's end is spread over this share of it: those that opened together end apart. */
const SPREAD = 0.2;

/** An overloaded edge ends streams that have had no event for so long. */
const SHED_AFTER_MS = 60_000;

type Life = Pick<Reader, "openedAt" | "lastActiveAt">;

/** The settings of lifetimes, in seconds; 0 turns an end off. */
interface LifetimeSettings {
  readonly STREAM_IDLE_SECONDS: number;
  readonly STREAM_IDLE_END_SECONDS: number;
  readonly STREAM_MAX_AGE_SECONDS: number;
}

/** The lifetimes that the settings ask for. */
export function lifetimesOf(settings: LifetimeSettings): Lifetimes {
  return {
    idleMs: msOf(settings.STREAM_IDLE_SECONDS),
    idleEndMs: msOf(settings.STREAM_IDLE_END_SECONDS),
    maxAgeMs: msOf(settings.STREAM_MAX_AGE_SECONDS),
  };
}

function msOf(seconds: number): number {
  return seconds === 0 ? Number.POSITIVE_INFINITY : seconds * 1_000;
}

/** Whether a stream counts as idle. */
export function isIdle({ lastActiveAt }: Life, now: number, { idleMs }: Lifetimes): boolean {
  return now - lastActiveAt >= idleMs;
}

/** Why a stream has lived long enough; undefined while it has not. `spread` is its own, from 0 to 1. */
export function lifeOver(
  { openedAt, lastActiveAt }: Life,
  now: number,
  spread: number,
  { idleEndMs, maxAgeMs }: Lifetimes,
): ByeReason | undefined {
  const share = 1 + (spread - 0.5) * SPREAD;
  if (now - openedAt >= maxAgeMs * share) return "max_age";
  return now - lastActiveAt >= idleEndMs * share ? "idle" : undefined;
}

/** Whether an overloaded edge may end this stream: nobody waits for its events right now. */
export function mayBeShed({ lastActiveAt }: Life, now: number): boolean {
  return now - lastActiveAt >= SHED_AFTER_MS;
}
