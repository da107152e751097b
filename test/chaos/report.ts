import { type Account, formatAccount, isSound } from "#test/support/checker/account.ts";
import { concludeSubscription, type SubscriptionAccount } from "#test/support/checker/subscription-audit.ts";
import type { Recovery } from "./measure-recovery.ts";
import type { Sight } from "./observe.ts";

/** From this load of each core on a line says it, and everything may take longer in proportion. */
export const TOO_BUSY = 4;

/** What came of one step. */
export interface StepReport {
  /** The names of its faults: one, or two at once. */
  readonly faults: readonly string[];
  readonly targets: readonly string[];
  /** Since the beginning of the run. */
  readonly atMs: number;
  readonly lastedMs: number;
  readonly sight: Sight;
  readonly recovery: Recovery;
  /** What was told of a fault that nobody may notice. */
  readonly noticed: readonly string[];
  /** Sessions that were gone though nobody had ended them, since the step before. */
  readonly lostSessions: number;
  /** How many processes wanted to run, for each core: far above 1 the machine was too busy for its times to say anything. */
  readonly load: number;
  /** What went wrong in doing it. */
  readonly error?: string;
}

/** What came of a run. */
export interface RunReport {
  readonly on: string;
  readonly seed: number;
  readonly minutes: number;
  readonly steps: readonly StepReport[];
  readonly account: Account;
  readonly subscriptions: readonly SubscriptionAccount[];
  /** What was thrown where nobody waited for it, such as that a frame is not as described. */
  readonly broken: readonly string[];
}

/** Whether every promise was kept, and everything was back within its time. */
export function isGood({ steps, account, subscriptions, broken }: RunReport): boolean {
  return (
    broken.length === 0 && isSound(account) && subscriptions.every(isKept) && steps.every((step) => !hasFailed(step))
  );
}

/** The line of a step. */
export function formatStep(step: StepReport): string {
  const { faults, targets, atMs, lastedMs, sight, recovery, noticed, lostSessions, load, error } = step;
  const seen = [
    `silence ${inSeconds(sight.longestSilenceMs)}`,
    ...(sight.longestOpeningMs > 1_000 ? [`opening took ${inSeconds(sight.longestOpeningMs)}`] : []),
    `${sight.reconnects} reconnects`,
    ...(sight.refused > 0 ? [`${sight.refused} refused`] : []),
    ...(sight.degraded > 0 ? [`${sight.degraded} degraded`] : []),
    ...(sight.authErrors > 0 ? [`${sight.authErrors} auth_error`] : []),
    ...(sight.gaps > 0 ? [`${sight.gaps} gaps`] : []),
    ...(sight.resets > 0 ? [`${sight.resets} resets`] : []),
    ...(lostSessions > 0 ? [`${lostSessions} sessions lost`] : []),
    ...(load > TOO_BUSY ? [`load ${load.toFixed(0)} a core`] : []),
    `publishers: ${sight.unpublished} errors, longest ${inSeconds(sight.longestPublishMs)}`,
  ];
  const back = recovery.isComplete ? `back after ${inSeconds(recovery.ms)}` : "NOT BACK";
  const wrong = [
    ...recovery.late.map((late) => `LATE ${late}`),
    ...noticed.map((told) => `NOTICED ${told}`),
    ...(error === undefined ? [] : [`ERROR ${error}`]),
  ];
  const head = `${formatTime(atMs)} ${faults.join(" + ")} (${targets.join("; ")}) for ${inSeconds(lastedMs)}`;
  return [`${head}: ${seen.join(", ")}; ${back}`, ...wrong.map((line) => `      ${line}`)].join("\n");
}

/** What users saw by kind of fault, as a table in Markdown; steps with two faults are one kind. */
export function formatTable(steps: readonly StepReport[]): string {
  const kinds = new Map<string, StepReport[]>();
  for (const step of steps) {
    const kind = step.faults.length === 1 ? (step.faults[0] ?? "") : "two of them at once";
    kinds.set(kind, [...(kinds.get(kind) ?? []), step]);
  }
  const rows = [...kinds].toSorted(([a], [b]) => a.localeCompare(b)).map(([kind, of]) => rowOf(kind, of));
  return [
    "| fault | times | longest silence | longest opening | streams that came back | refused | told `degraded` | publishers' longest wait | back within |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ...rows,
  ].join("\n");
}

/** The last lines: what the checker says, of the events and of the durable subscriptions. */
export function formatConclusion(report: RunReport): string {
  const { account, subscriptions, broken, seed } = report;
  const failed = report.steps.filter(hasFailed).length;
  return [
    formatAccount(account),
    ...subscriptions.map((each) => (isKept(each) ? concludeSubscription(each) : `UNSOUND: ${JSON.stringify(each)}`)),
    ...broken.map((message) => `BROKEN ${message}`),
    isGood(report)
      ? `every promise was kept under ${report.steps.length} faults; the seed was ${seed}`
      : `NOT GOOD: ${failed} of ${report.steps.length} steps failed; the seed was ${seed}`,
  ].join("\n");
}

function hasFailed({ recovery, noticed, error }: StepReport): boolean {
  return error !== undefined || recovery.late.length + noticed.length > 0;
}

function isKept(account: SubscriptionAccount): boolean {
  try {
    concludeSubscription(account);
    return true;
  } catch {
    return false;
  }
}

function rowOf(kind: string, steps: readonly StepReport[]): string {
  const most = (of: (step: StepReport) => number): number => Math.max(...steps.map(of));
  const cells = [
    kind,
    String(steps.length),
    inSeconds(most(({ sight }) => sight.longestSilenceMs)),
    inSeconds(most(({ sight }) => sight.longestOpeningMs)),
    String(most(({ sight }) => sight.reconnects)),
    String(most(({ sight }) => sight.refused)),
    most(({ sight }) => sight.degraded) > 0 ? "yes" : "no",
    inSeconds(most(({ sight }) => sight.longestPublishMs)),
    inSeconds(most(({ recovery }) => recovery.ms)),
  ];
  return `| ${cells.join(" | ")} |`;
}

function inSeconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function formatTime(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}
