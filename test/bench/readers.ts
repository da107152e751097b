import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Programs } from "./programs.ts";

/** A process has 20 000 descriptors on many machines, and some of its own. */
const MAX_PER_PROCESS = 10_000;

/** How long events took from the call of publish until they were read, in milliseconds. */
export interface Latency {
  readonly events: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** What came so far. */
export interface Received {
  /** Payloads of `payloadOf`. */
  readonly events: number;
  readonly bytes: number;
  readonly closed: number;
}

/** Open event streams over raw sockets, held by processes of their own. */
export interface Readers extends AsyncDisposable {
  received(): Promise<Received>;
  /** Latencies count from now on. */
  resetLatency(): Promise<void>;
  /** Latencies of all; with several processes the worst of theirs. */
  latency(): Promise<Latency>;
  /** Stops reading these connections, for good. */
  pause(from: number, to: number): Promise<void>;
}

/**
 * Opens `count` streams, the first with the first request and so on, round and round. `mark` is what stands before an event's time
 * where its payload does not stand there as it is.
 * @throws when one of them is refused: what is measured then would not be what was meant.
 */
export async function openReaders(
  programs: Programs,
  port: number,
  requests: readonly string[],
  count: number,
  mark?: string,
): Promise<Readers> {
  await using starting = new AsyncDisposableStack();
  const shares = sharesOf(count);
  const processes = await Promise.all(
    shares.map(async ({ from, to }) => {
      const file = join(programs.folder, `requests-${port}-${from}`);
      const own = requests.length <= 1 ? requests : rotate(requests, from);
      await writeFile(file, own.join(""));
      const program = starting.use(
        programs.start("readers", [String(port), file, ...(mark === undefined ? [] : [mark])]),
      );
      const { refused } = await program.ask<{ refused: number }>(`open ${to - from}`);
      if (refused > 0) throw new Error(`${refused} of ${to - from} streams were refused`);
      return program;
    }),
  );
  const askAll = <Answer>(line: string): Promise<Answer[]> =>
    Promise.all(processes.map((process) => process.ask<Answer>(line)));
  const open = starting.move();
  return {
    received: async () => (await askAll<Received>("count")).reduce(add),
    resetLatency: async () => void (await askAll("reset")),
    latency: async () => (await askAll<Latency>("latency")).reduce(worst),
    pause: async (from, to) => void (await processes[0]?.ask(`pause ${from} ${to}`)),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

function sharesOf(count: number): { readonly from: number; readonly to: number }[] {
  const processes = Math.ceil(count / MAX_PER_PROCESS);
  return Array.from({ length: processes }, (_, index) => ({
    from: Math.floor((count * index) / processes),
    to: Math.floor((count * (index + 1)) / processes),
  }));
}

function rotate(requests: readonly string[], by: number): readonly string[] {
  const at = by % requests.length;
  return [...requests.slice(at), ...requests.slice(0, at)];
}

function add(a: Received, b: Received): Received {
  return { events: a.events + b.events, bytes: a.bytes + b.bytes, closed: a.closed + b.closed };
}

function worst(a: Latency, b: Latency): Latency {
  const { max } = Math;
  return { events: a.events + b.events, p50: max(a.p50, b.p50), p99: max(a.p99, b.p99), max: max(a.max, b.max) };
}
