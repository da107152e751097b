import type { TracingSettings } from "#shared/config/tracing-settings.ts";
import { isSampled, parseTraceparent } from "#shared/protocol/traceparent.ts";
import type { Trust } from "./tracer.ts";

/** The last 14 digits of a trace id are random (W3C Trace Context Level 2); a number holds 13 of them exactly. */
const RANDOM_DIGITS = 13;
const RANDOM_VALUES = 16 ** RANDOM_DIGITS;

/** What sampling takes beside its settings. */
export interface SamplingDeps {
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
  /** A random number from 0 up to 1. */
  readonly random: () => number;
  /** A trace is not recorded because too many others are. */
  readonly onOverRate: () => void;
}

/** Whether to record what continues `parent`, on the word of somebody that is trusted so far. */
export type Sample = (parent: string | undefined, trust: Trust) => boolean;

/**
 * Decides which traces are recorded. A service of ours has decided already. Producers decide by their flag where the sampler is based
 * on it; of strangers' requests as many are recorded as the sampler says, whatever they send: with a flag, or an id of their choice, they could make us
 * record each. Either may begin so many traces in a second.
 */
export function createSampling(settings: TracingSettings, { now, random, onOverRate }: SamplingDeps): Sample {
  const { isParentBased, ratio } = samplerOf(settings);
  const perSecond = settings.SLUICE_TRACES_PER_SECOND;
  const rates = { producer: createRate(perSecond, now), stranger: createRate(perSecond, now) };
  return (parent, trust) => {
    if (trust === "inside") return parent !== undefined && isSampled(parent);
    const isChosen =
      trust === "stranger" || parent === undefined
        ? random() < ratio
        : isParentBased
          ? isSampled(parent)
          : randomOf(parent) < ratio;
    if (!isChosen) return false;
    if (rates[trust]()) return true;
    onOverRate();
    return false;
  };
}

function samplerOf({ OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: ratio }: TracingSettings) {
  const isParentBased = sampler.startsWith("parentbased_");
  if (sampler.endsWith("always_off")) return { isParentBased, ratio: 0 };
  return { isParentBased, ratio: sampler.endsWith("traceidratio") ? ratio : 1 };
}

/** All services that see a trace come to the same number for it. */
function randomOf(parent: string): number {
  return Number.parseInt(parseTraceparent(parent).traceId.slice(-RANDOM_DIGITS), 16) / RANDOM_VALUES;
}

/** Answers whether there is room for one more in this second. */
function createRate(perSecond: number, now: () => number): () => boolean {
  let [endsAt, taken] = [Number.NEGATIVE_INFINITY, 0];
  return () => {
    if (now() >= endsAt) [endsAt, taken] = [now() + 1_000, 0];
    taken += 1;
    return taken <= perSecond;
  };
}
