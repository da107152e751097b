import { readMetrics } from "#test/support/read-metric.ts";
import type { InputSize, OutsideInput } from "./outside-input.ts";

const MEGABYTE = 1_048_576;

/** What one input cost its service. */
export interface InputCost {
  readonly status: number;
  /** The processor time of its service meanwhile, in milliseconds. */
  readonly cpuMs: number;
  /** The longest that the service's loop stood still meanwhile, in milliseconds. */
  readonly stallMs: number;
  /** By how much its resident memory has grown. */
  readonly bytes: number;
}

/** An input in both sizes. */
export interface MeasuredInput {
  readonly input: OutsideInput;
  readonly smallest: InputCost;
  readonly largest: InputCost;
}

/** Sends every input in its smallest size and then in its largest, and measures the service that gets it. */
export async function measureInputs(inputs: readonly OutsideInput[]): Promise<readonly MeasuredInput[]> {
  const measured: MeasuredInput[] = [];
  for (const input of inputs) {
    const smallest = await measure(input, "smallest");
    measured.push({ input, smallest, largest: await measure(input, "largest") });
  }
  return measured;
}

/** The inputs that were answered in another way than they should be, a line each. */
export function wrongAnswers(measured: readonly MeasuredInput[]): string[] {
  return measured.flatMap(({ input: { name, answers }, smallest, largest }) => {
    const [right, was] = [[answers.smallest, answers.largest].join(", "), [smallest.status, largest.status].join(", ")];
    return right === was ? [] : [`${name}: ${was} instead of ${right}`];
  });
}

/** A table of what each input cost its service, in its smallest and its largest size. */
export function tableOf(measured: readonly MeasuredInput[]): string[] {
  const pair = (a: number, b: number, digits = 0): string =>
    `${a.toFixed(digits).padStart(6)} ${b.toFixed(digits).padStart(6)}`;
  const row = ({ input, smallest, largest }: MeasuredInput): string =>
    [
      `  ${input.name.padEnd(52)}`,
      pair(smallest.status, largest.status),
      pair(smallest.stallMs, largest.stallMs),
      pair(smallest.cpuMs, largest.cpuMs),
      pair(smallest.bytes / MEGABYTE, largest.bytes / MEGABYTE, 1),
    ].join(" ");
  return [
    "  input, smallest and largest".padEnd(60) + "status      stall ms        CPU ms     memory MB",
    ...measured.map(row),
  ];
}

const METRICS = [
  "nodejs_eventloop_lag_max_seconds",
  "process_cpu_seconds_total",
  "process_resident_memory_bytes",
] as const;

async function measure({ service, send }: OutsideInput, size: InputSize): Promise<InputCost> {
  // Each look begins the next measurement of the loop's delay.
  const [, cpuBefore = 0, bytesBefore = 0] = await readMetrics(service, METRICS);
  const status = await send(size);
  const [stall = 0, cpu = 0, bytes = 0] = await readMetrics(service, METRICS);
  return { status, stallMs: stall * 1_000, cpuMs: (cpu - cpuBefore) * 1_000, bytes: bytes - bytesBefore };
}
