import { availableParallelism, loadavg } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { within } from "#shared/async/within.ts";
import { audit } from "#test/support/checker/audit.ts";
import { monotonicMs } from "#test/support/checker/ledger.ts";
import { createRandom } from "#test/support/random.ts";
import type { Fault, Scene } from "./fault.ts";
import { measureRecovery } from "./measure-recovery.ts";
import { noticedIn, observe } from "./observe.ts";
import { formatStep, type RunReport, type StepReport, TOO_BUSY } from "./report.ts";
import { retry } from "./retry.ts";
import { planSteps, type Step } from "./schedule.ts";
import type { Traffic } from "./traffic/start-traffic.ts";
import type { Process, World } from "./world.ts";

/** After the first fault of two, the second comes within this time. */
const SECOND_WITHIN_MS = 2_000;

/** So long a process is started again and again that does not come up. */
const SUPERVISED_MS = 120_000;

/** So long the end of the traffic is waited for. */
const END_WITHIN_MS = 300_000;

/** A stream whose session is lost goes on until its token is over: a minute, and its person renews every 20 s. */
const LOSS_SHOWS_WITHIN_MS = 80_000;

/** What to do. */
export interface ChaosOptions {
  readonly on: string;
  readonly seed: number;
  readonly minutes: number;
  readonly faults: readonly Fault[];
  /** Prints a line. */
  readonly say: (line: string) => void;
  /** Ends the run after the step that is under way. */
  readonly stop: AbortSignal;
}

/** Does one fault after the other until the time is over, and answers what came of it. */
export async function runChaos(
  world: World,
  traffic: Traffic,
  options: ChaosOptions,
): Promise<Omit<RunReport, "broken">> {
  const { on, seed, minutes, faults, say, stop } = options;
  const begin = monotonicMs();
  const steps: StepReport[] = [];
  let [lossShowsUntil, lostBefore] = [begin, sessionsLost(traffic)];
  const { late, isComplete } = await measureRecovery({ world, traffic }, 60_000);
  if (!isComplete) throw new Error(`the stack does not work before the first fault: ${late.join("; ")}`);
  for (const step of planSteps(seed, faults)) {
    await delay(step.quietMs, undefined, { signal: stop }).catch(() => {});
    if (stop.aborted || monotonicMs() > begin + minutes * 60_000) break;
    const scene = { world, traffic, random: step.random };
    const isQuiet = monotonicMs() > lossShowsUntil;
    const report = await takeStep(scene, step, { runBegin: begin, isQuiet, lostBefore });
    if (report.lostSessions > 0) lossShowsUntil = monotonicMs() + LOSS_SHOWS_WITHIN_MS;
    lostBefore += report.lostSessions;
    steps.push(report);
    say(formatStep(report));
    if (!report.recovery.isComplete) {
      say("it does not come back: the run ends here");
      break;
    }
  }
  // Where something has not come back, nobody gets what is waited for.
  await within(END_WITHIN_MS, traffic.end());
  const spentMinutes = (monotonicMs() - begin) / 60_000;
  const account = audit(traffic.ledger);
  const subscriptions = traffic.subscriptions.map((each) => each.account);
  return { on, seed, minutes: spentMinutes, steps, account, subscriptions };
}

/** When a step is taken. */
interface Moment {
  readonly runBegin: number;
  /** Whether no earlier fault still shows. */
  readonly isQuiet: boolean;
  /** How many sessions were lost in the steps before. */
  readonly lostBefore: number;
}

async function takeStep(
  scene: Scene,
  { faults }: Step,
  { runBegin, isQuiet, lostBefore }: Moment,
): Promise<StepReport> {
  const { traffic } = scene;
  const first = traffic.ledger.length;
  const begin = monotonicMs();
  const targets: string[] = [];
  let error: string | undefined;
  const failed = (reason: unknown): void => void (error ??= String(reason).split("\n")[0]);
  // What could not start while the other fault went on is started below.
  const failedUnlessMissing = (reason: unknown): void => {
    if (missingOf(scene.world).length === 0) failed(reason);
  };
  // The first ends in its time, though the second waits to begin for what the first has stopped.
  const over: Promise<void>[] = [];
  for (const fault of faults) {
    if (over.length > 0) await delay(scene.random() * SECOND_WITHIN_MS);
    // A generator for each: how much the first takes of it may depend on what it finds.
    const random = createRandom(Math.floor(scene.random() * 2 ** 32));
    try {
      const trouble = await fault.begin({ ...scene, random });
      targets.push(trouble.target);
      over.push(
        delay(trouble.lastsMs)
          .then(() => trouble.end())
          .catch(failedUnlessMissing),
      );
    } catch (reason) {
      failed(reason);
    }
  }
  await Promise.all(over);
  await startMissing(scene.world).catch(failed);
  const end = monotonicMs();
  const budgetMs = Math.max(...faults.map(({ recoversWithinMs }) => recoversWithinMs));
  const recovery = await measureRecovery(scene, Math.round(budgetMs * Math.max(1, loadPerCore() / TOO_BUSY)));
  if (recovery.isComplete) traffic.noteSettled();
  const sight = observe(traffic.ledger.slice(first), begin, monotonicMs());
  const lostSessions = sessionsLost(traffic) - lostBefore;
  const isAlone = loadPerCore() <= TOO_BUSY && isQuiet && lostSessions === 0 && faults.length === 1;
  return {
    faults: faults.map(({ name }) => name),
    targets,
    atMs: begin - runBegin,
    lastedMs: end - begin,
    sight,
    recovery,
    // Of a machine that is too busy, streams are told what is its fault.
    noticed: isAlone && faults[0].goesUnnoticed === true ? noticedIn(sight) : [],
    lostSessions,
    load: loadPerCore(),
    ...(error === undefined ? {} : { error }),
  };
}

/** Starts what could not be started at the end of a fault, as a supervisor would: again and again, for a while. */
async function startMissing(world: World): Promise<void> {
  const missing = missingOf(world);
  const stop = AbortSignal.timeout(SUPERVISED_MS);
  await Promise.all(missing.map((process) => retry(() => process.restart(), { stop })));
}

function missingOf({ processes }: World): readonly Process[] {
  return processes.filter(({ pid }) => pid === 0);
}

/** How many processes want to run, for each core. */
function loadPerCore(): number {
  return (loadavg()[0] ?? 0) / availableParallelism();
}

function sessionsLost({ tenants }: Traffic): number {
  return tenants.reduce((sum, { lostSessions }) => sum + lostSessions, 0);
}
