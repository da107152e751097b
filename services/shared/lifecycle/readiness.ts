import { poll } from "#shared/async/poll.ts";
import { singleFlight } from "#shared/async/single-flight.ts";

/** What every request may need that cannot work. docs/reference/errors.md says what to do about each. */
export const READINESS_CODES = [
  "not_serving",
  "standby",
  "keys_unusable",
  "issuer_differs",
  "redis_unusable",
  "log_unusable",
  "documents_unreadable",
] as const;

export type ReadinessCode = (typeof READINESS_CODES)[number];

/** Why a service is not ready: a code for programs, and words for its operator. No secrets. */
export interface ReadinessReason {
  readonly code: ReadinessCode;
  readonly detail: string;
}

/**
 * Looks at one thing that every request needs. Answers what is wrong and what to do, in words for the operator, and undefined
 * while nothing is. Safe to repeat. One that rejects, or takes longer than 2 s, counts as wrong.
 */
export type ReadinessCheck = () => string | undefined | Promise<string | undefined>;

/** The checks of a service, by what each is about. */
export type ReadinessChecks = Partial<Readonly<Record<ReadinessCode, ReadinessCheck>>>;

/** Whether a service can do what every request needs. Disposing it stops the looks of its own. */
export interface Readiness extends Disposable {
  /** What is wrong; nothing where the service is ready. However often it is asked, the checks run once a second at most. */
  readonly reasons: () => Promise<readonly ReadinessReason[]>;
}

/** The only reason of a service that starts or stops. */
export const NOT_SERVING: ReadinessReason = { code: "not_serving", detail: "the service is starting or stopping" };

/** A stranger who asks without end costs one look a second. */
const FRESH_MS = 1_000;

/** How often the checks run when nobody asks, so that the log says what is wrong all the same. */
const LOOK_EVERY_MS = 5_000;

const CHECK_MS = 2_000;

/** Where reasons are logged; a `Logger` is one. */
type ReadinessLog = Record<"warn" | "info", (facts: object, message: string) => void>;

/**
 * Runs the checks, and logs each reason once when it comes and once when it goes. While the service is not serving, which it
 * says itself in the log, that is the one reason.
 */
export function watchReadiness(
  checks: ReadinessChecks,
  log: ReadinessLog,
  { isServing = (): boolean => true, now = () => performance.now(), everyMs = LOOK_EVERY_MS, checkMs = CHECK_MS } = {},
): Readiness {
  const looking = singleFlight<readonly ReadinessReason[]>();
  let known: { readonly at: number; readonly reasons: readonly ReadinessReason[] } | undefined;
  const look = async (): Promise<readonly ReadinessReason[]> => {
    const reasons = await runChecks(checks, checkMs);
    report(known?.reasons ?? [], reasons, log);
    known = { at: now(), reasons };
    return reasons;
  };
  const polling = poll(everyMs, async () => void (isServing() && (await looking("", look))));
  return {
    reasons: async () => {
      if (!isServing()) return [NOT_SERVING];
      return known !== undefined && now() - known.at < FRESH_MS ? known.reasons : looking("", look);
    },
    [Symbol.dispose]: () => polling[Symbol.dispose](),
  };
}

async function runChecks(checks: ReadinessChecks, checkMs: number): Promise<readonly ReadinessReason[]> {
  const entries = Object.entries(checks) as [ReadinessCode, ReadinessCheck][];
  const reasons = await Promise.all(
    entries.map(async ([code, check]) => {
      const detail = await runCheck(check, checkMs);
      return detail === undefined ? [] : [{ code, detail }];
    }),
  );
  return reasons.flat();
}

async function runCheck(check: ReadinessCheck, checkMs: number): Promise<string | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve(`no answer within ${checkMs} ms`), checkMs);
  try {
    return await Promise.race([check(), late]);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    clearTimeout(timer);
  }
}

function report(before: readonly ReadinessReason[], after: readonly ReadinessReason[], log: ReadinessLog): void {
  const isIn = (reasons: readonly ReadinessReason[], { code, detail }: ReadinessReason): boolean =>
    reasons.some((each) => each.code === code && each.detail === detail);
  for (const reason of after) if (!isIn(before, reason)) log.warn(reason, "not ready");
  const isOver = ({ code }: ReadinessReason): boolean => !after.some((each) => each.code === code);
  for (const { code } of before.filter(isOver)) log.info({ code }, "not a reason any more");
}
