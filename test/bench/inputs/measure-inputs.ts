import { readMetric } from "#test/support/read-metric.ts";
import type { InputSize, OutsideInput } from "./outside-input.ts";

/** What one input cost its service. */
export interface InputCost {
  readonly status: number;
  /** The longest that the service's loop stood still meanwhile, in milliseconds. */
  readonly stallMs: number;
  /** By how much its resident memory has grown. */
  readonly bytes: number;
}

/** An input in both sizes. */
export interface MeasuredInput {
  readonly name: string;
  readonly smallest: InputCost;
  readonly largest: InputCost;
}

/**
 * Sends every input in its smallest size and then in its largest, and measures the service that gets it.
 * @throws {Error} where an answer is not one of those that are right.
 */
export async function measureInputs(inputs: readonly OutsideInput[]): Promise<readonly MeasuredInput[]> {
  const measured: MeasuredInput[] = [];
  for (const input of inputs) {
    const smallest = await measure(input, "smallest");
    measured.push({ name: input.name, smallest, largest: await measure(input, "largest") });
  }
  return measured;
}

async function measure({ name, service, refusals, send }: OutsideInput, size: InputSize): Promise<InputCost> {
  // Each look begins the next measurement of the loop's delay.
  await readMetric(service, "nodejs_eventloop_lag_max_seconds");
  const before = await readMetric(service, "process_resident_memory_bytes");
  const status = await send(size);
  const stallMs = (await readMetric(service, "nodejs_eventloop_lag_max_seconds")) * 1_000;
  const bytes = (await readMetric(service, "process_resident_memory_bytes")) - before;
  if (status >= 300 && !refusals.includes(status)) throw new Error(`${name}, ${size}: answered with ${status}`);
  return { status, stallMs, bytes };
}
