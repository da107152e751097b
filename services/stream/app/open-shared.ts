import { systemClock } from "#shared/time/clock.ts";
import { guardClock } from "../access/clock-guard.ts";
import { openAdmission } from "../clients/open-admission.ts";
import { openTopicStore } from "../clients/open-topic-store.ts";
import { TailBudget } from "../log/tail.ts";
import { observeClients } from "../observe/client-reports.ts";
import { observeConnectionLog } from "../observe/connection-log-metrics.ts";
import { createObserver } from "../observe/create-observer.ts";
import { type LogSource, observeLogs } from "../observe/log-metrics.ts";
import { createStreamMetrics } from "../observe/metrics.ts";
import { observePresence } from "../observe/presence-metrics.ts";
import { HomeCounts } from "../observe/sum-homes.ts";
import { openOverloadGuard } from "../overload/open-overload-guard.ts";
import { Turns } from "../turns/turns.ts";
import type { EdgeParts } from "./edge-parts.ts";

/** What the homes of an edge share: its places and budgets, its loop, its figures. */
export type SharedParts = Awaited<ReturnType<typeof openShared>>;

/** The part of a home in the figures of an edge. */
export interface HomeFigures {
  readonly tenants: LogSource["tenants"];
  readonly turns: LogSource["turns"];
}

/** Opens what all homes of an edge share, until the stack ends it. */
export async function openShared(
  { config, registry, log, requestLog, workerId, now, wall }: EdgeParts,
  stack: AsyncDisposableStack,
) {
  const { admission, counts, callLimits, roster } = await openAdmission(config, { workerId, wall, log }, stack);
  const metrics = createStreamMetrics(registry, admission, counts);
  const observer = createObserver(metrics, { log, requestLog, record: () => undefined }, now);
  const overload = openOverloadGuard(config.STREAM_MEMORY_BYTES, stack, { now, observer });
  const jumped = new Set<() => void>();
  const checkClock = guardClock(systemClock, () => {
    log.warn("the clock jumped: every session is asked for again");
    for (const notify of jumped) notify();
  });
  const tailBudget = new TailBudget(config.STREAM_TAIL_BYTES);
  const homes = new Set<HomeFigures>();
  observeLogs(registry, { ...sumOf(homes), tailBudget });
  const watched = new Set<() => number>();
  return {
    admission,
    callLimits,
    roster,
    overload,
    metrics,
    tailBudget,
    checkClock,
    turns: new Turns({ now, checkClock }),
    topicStore: await openTopicStore(config, stack, log),
    counts: new HomeCounts(metrics),
    countClient: observeClients(registry),
    connectionLog: observeConnectionLog(registry),
    presence: observePresence(registry, () => [...watched].reduce((sum, read) => sum + read(), 0)),
    /** Calls `notify` whenever the clocks have parted. */
    onJump: (notify: () => void): Disposable => within(jumped, notify),
    /** Counts a home's logs among the edge's. */
    countLogs: (home: HomeFigures): Disposable => within(homes, home),
    /** Counts the topics that a home's streams watch. */
    countWatched: (read: () => number): Disposable => within(watched, read),
  };
}

function sumOf(homes: ReadonlySet<HomeFigures>): HomeFigures {
  const sum = (figure: keyof LogSource["turns"]): number =>
    [...homes].reduce((total, { turns }) => total + turns[figure], 0);
  return {
    *tenants() {
      for (const { tenants } of homes) yield* tenants();
    },
    turns: {
      get bytesRead() {
        return sum("bytesRead");
      },
      get waiting() {
        return sum("waiting");
      },
    },
  };
}

function within<Member>(members: Set<Member>, member: Member): Disposable {
  members.add(member);
  return { [Symbol.dispose]: () => void members.delete(member) };
}
