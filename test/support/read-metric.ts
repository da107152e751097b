import type { RunningService } from "#test/support/start-service.ts";

/** What a service's metric says: the sum over its labels. */
export async function readMetric(service: RunningService, name: string): Promise<number> {
  const [value = 0] = await readMetrics(service, [name]);
  return value;
}

/** The same of several metrics, at one moment. */
export async function readMetrics({ ports }: RunningService, names: readonly string[]): Promise<readonly number[]> {
  const text = await (await fetch(`http://127.0.0.1:${ports.ops}/metrics`)).text();
  return names.map((name) => {
    const lines = text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, "gm"));
    return [...lines].reduce((all, [, value]) => all + Number(value), 0);
  });
}

/** User and system time that a service has spent so far, in milliseconds. */
export async function cpuMillis(service: RunningService): Promise<number> {
  return (await readMetric(service, "process_cpu_seconds_total")) * 1_000;
}
