/** How far an overloaded edge has gone, from nothing to the last thing it does. Each step does what those before it do, too. */
export const OVERLOAD_STEPS = ["calm", "stretch", "pause", "refuse", "shed"] as const;

export type OverloadStep = (typeof OVERLOAD_STEPS)[number];

/** How loaded a process is. */
export interface Load {
  /** How late the event loop is, in milliseconds: the median of the time since the last look. */
  readonly loopDelayMs: number;
  /** The share of the memory that is taken, from 0 to 1: of the heap, or of all, whichever is nearer to its limit. */
  readonly memory: number;
  /** The share of the descriptors that are open, from 0 to 1. */
  readonly descriptors: number;
}

/**
 * The load with which each step begins. A loop that is 100 ms late is busy with a burst; at half a second nobody's events are
 * in time. Of the heap up to a sixth may be garbage. Descriptors: an edge with all of its 19 000 streams has 95 % of 20 000 open.
 */
const BEGINS_AT: readonly (Load & { readonly step: OverloadStep })[] = [
  { step: "stretch", loopDelayMs: 100, memory: 0.75, descriptors: 0.96 },
  { step: "pause", loopDelayMs: 250, memory: 0.8, descriptors: 0.97 },
  { step: "refuse", loopDelayMs: 500, memory: 0.88, descriptors: 0.98 },
  { step: "shed", loopDelayMs: 2_000, memory: 0.94, descriptors: 0.99 },
];

/** A step is entered when the load has asked for it for so long: one stall is no overload. */
const RISE_MS = 500;

/** A step is left, for the one before it, after so long without a load that asks for it. */
const CALM_MS = 5_000;

/** The step of an edge, and where it is going. */
export interface OverloadState {
  readonly step: OverloadStep;
  /** The load has asked for another step since then (monotonic milliseconds), for `target` at the least; undefined where it has not. */
  readonly trend: { readonly since: number; readonly target: OverloadStep } | undefined;
}

/** An edge that has just started. */
export const CALM: OverloadState = { step: "calm", trend: undefined };

/** The step that a load asks for. */
export function stepFor(load: Load): OverloadStep {
  const reached = BEGINS_AT.findLast(
    ({ loopDelayMs, memory, descriptors }) =>
      load.loopDelayMs >= loopDelayMs || load.memory >= memory || load.descriptors >= descriptors,
  );
  return reached?.step ?? "calm";
}

/** The state after another look, at which the load asked for `asked`. */
export function advance({ step, trend }: OverloadState, asked: OverloadStep, now: number): OverloadState {
  if (asked === step) return { step, trend: undefined };
  const isRising = isBeyond(asked, step);
  const goesOn = trend !== undefined && isBeyond(trend.target, step) === isRising;
  const since = goesOn ? trend.since : now;
  const target = goesOn && isBeyond(asked, trend.target) ? trend.target : asked;
  if (isRising && now - since >= RISE_MS) return { step: target, trend: undefined };
  if (!isRising && now - since >= CALM_MS) {
    const before = stepBefore(step);
    return { step: before, trend: before === asked ? undefined : { since: now, target: asked } };
  }
  return { step, trend: { since, target } };
}

/** Whether the edge has gone as far as `step`. */
export function isAtLeast(reached: OverloadStep, step: OverloadStep): boolean {
  return !isBeyond(step, reached);
}

function isBeyond(step: OverloadStep, other: OverloadStep): boolean {
  return OVERLOAD_STEPS.indexOf(step) > OVERLOAD_STEPS.indexOf(other);
}

function stepBefore(step: OverloadStep): OverloadStep {
  return OVERLOAD_STEPS[OVERLOAD_STEPS.indexOf(step) - 1] ?? "calm";
}
