import type { RunningService } from "#test/support/start-service.ts";

/** What a service's metric says: the sum over its labels. */
export async function readMetric({ ports }: RunningService, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${ports.ops}/metrics`)).text();
  const values = [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, "gm"))].map(([, value]) =>
    Number(value),
  );
  return values.reduce((all, value) => all + value, 0);
}

/** User and system time that a service has spent so far, in milliseconds. */
export async function cpuMillis(service: RunningService): Promise<number> {
  return (await readMetric(service, "process_cpu_seconds_total")) * 1_000;
}

/** The longest time that the loop of a service stood still since this was asked last, in milliseconds. */
export async function maxLoopDelayMs(service: RunningService): Promise<number> {
  return (await readMetric(service, "nodejs_eventloop_lag_max_seconds")) * 1_000;
}
