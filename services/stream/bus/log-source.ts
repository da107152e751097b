import type { StreamConfig, StreamInfo } from "@nats-io/jetstream";
import { holdingOf } from "#shared/nats/home/read-holding.ts";
import { silenceOf } from "#shared/nats/watch-seat.ts";

/**
 * How a log lives. An original is written here. A mirror copies one of another region, and lives as long as it hears of it. A fenced
 * original is written by nobody any more: its home has moved, and what it says is out of date.
 */
export type LogSource = "original" | "mirror" | "fenced";

/** What a log is, by its configuration. */
export function sourceOf(config: StreamConfig): LogSource {
  const { holds } = holdingOf({ config });
  return holds === "mirror" || holds === "fenced" ? holds : "original";
}

/** For how long the log has given no sign of life, in milliseconds, as its leader here knows; 0 of an original. */
export function silenceIn({ config, mirror }: Pick<StreamInfo, "config" | "mirror">): number {
  const source = sourceOf(config);
  if (source === "original") return 0;
  return source === "mirror" ? silenceOf(mirror?.active) : Number.POSITIVE_INFINITY;
}

/** A mirror that hears of its origin, and is short of so little, is as good as the origin is a moment ago. */
const MAX_LAG = 1_000;

/** Whether a mirror was just made, or comes back after a long cut: what it has is too old to begin with. */
export function isFilling({ config, mirror }: Pick<StreamInfo, "config" | "mirror">): boolean {
  return sourceOf(config) === "mirror" && (mirror === undefined || mirror.active < 0 || mirror.lag > MAX_LAG);
}

/** Whether a mirror has all that its origin had when it heard of it last, which was just now. */
export function isLevel({ config, mirror }: Pick<StreamInfo, "config" | "mirror">): boolean {
  return sourceOf(config) === "mirror" && mirror?.lag === 0 && silenceOf(mirror.active) < LEVEL_MS;
}

const LEVEL_MS = 2_000;
