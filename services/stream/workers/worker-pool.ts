import { BootError } from "#shared/config/read-config.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { backoffMs } from "#shared/time/backoff.ts";

const BACKOFF = { baseMs: 250, maxMs: 10_000 };

/** A worker that lived this long did not die of its start. */
const STEADY_MS = 60_000;

/** After so many deaths in a row, with no worker serving, the process ends. */
const MAX_DEATHS = 5;

/** A worker that was started. */
export interface Worker {
  /** Its place among the workers, from 0. */
  readonly index: number;
  readonly pid: number | undefined;
  /** Whether the worker takes streams; false when it ended before. */
  readonly ready: Promise<boolean>;
  /** Settles when the worker is gone, with how it ended. */
  readonly ended: Promise<string>;
  /** Has the worker end its streams and itself; one that is not gone after `graceMs` is killed. */
  stop(graceMs: number): Promise<void>;
}

/** How the pool starts workers and reports on them. */
export interface WorkerPoolDeps<Kind extends Worker> {
  readonly size: number;
  readonly start: (index: number) => Kind;
  /** Called when a worker has ended without a request. */
  readonly onDeath: () => void;
  /** Called when a worker that took streams is gone. */
  readonly onGone: (worker: Kind) => Promise<void>;
  /** How long a worker has to end its streams and itself. */
  readonly graceMs: number;
  /** The monotonic time. */
  readonly now: () => number;
  /** Waits; rejects when the signal comes first. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly log: Logger;
}

/** The workers of a process. One that dies is started again; disposing ends all of them, in good order and together. */
export class WorkerPool<Kind extends Worker> implements AsyncDisposable {
  readonly #deps: WorkerPoolDeps<Kind>;
  readonly #stop = new AbortController();
  readonly #all = new Set<Kind>();
  readonly #serving = new Set<Kind>();
  /** Workers that a successor has replaced. */
  readonly #replaced = new Set<Kind>();
  #isRestarting = false;

  constructor(deps: WorkerPoolDeps<Kind>) {
    this.#deps = deps;
  }

  /** The workers that take streams, or did until they were asked to stop. */
  get serving(): Iterable<Kind> {
    return this.#serving;
  }

  get isStopping(): boolean {
    return this.#stop.signal.aborted;
  }

  /**
   * Starts all workers, and supervises them from then on.
   * @throws {BootError} when one ends before it takes streams; it has said why.
   */
  async start(): Promise<void> {
    const workers = Array.from({ length: this.#deps.size }, (_, index) => this.#start(index));
    const came = await Promise.all(workers.map(({ ready }) => ready));
    if (came.includes(false)) throw await this.#failure(workers[came.indexOf(false)]);
    // A rejection of this is a fault that ends the process and is printed with its reason.
    for (const worker of workers) void this.#supervise(worker);
  }

  /**
   * Replaces the workers one after the other: each ends its streams only once its successor takes them. A successor that
   * does not come up ends the round, and the other workers stay. Does nothing while a round is under way.
   */
  async rollingRestart(): Promise<void> {
    if (this.#isRestarting) return;
    this.#isRestarting = true;
    const round = [...this.#serving];
    for (const worker of round) {
      if (!(await this.#replace(worker))) break;
    }
    this.#isRestarting = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    // All at once: streams that one of them ends must not come to the next, to be ended there again.
    await Promise.all([...this.#all].map((worker) => worker.stop(this.#deps.graceMs)));
  }

  #start(index: number): Kind {
    const worker = this.#deps.start(index);
    this.#all.add(worker);
    void worker.ready.then((isReady) => isReady && this.#serving.add(worker));
    void worker.ended.then(() => this.#gone(worker));
    return worker;
  }

  async #gone(worker: Kind): Promise<void> {
    this.#all.delete(worker);
    if (this.#serving.delete(worker)) await this.#deps.onGone(worker);
  }

  /** Answers whether the round may go on. */
  async #replace(worker: Kind): Promise<boolean> {
    if (this.isStopping) return false;
    const successor = this.#start(worker.index);
    if (!(await successor.ready)) {
      this.#deps.log.error({ worker: worker.index }, "a worker's successor does not run; it stays");
      return false;
    }
    const { graceMs } = this.#deps;
    // A worker that died meanwhile has been started again.
    if (!this.#serving.has(worker)) await successor.stop(graceMs);
    else {
      this.#replaced.add(worker);
      void this.#supervise(successor);
      await worker.stop(graceMs);
    }
    return true;
  }

  /** Starts a worker again when it dies, after a wait that grows with each death. */
  async #supervise(first: Kind): Promise<void> {
    let worker = first;
    for (let deaths = 0; ;) {
      const startedAt = this.#deps.now();
      const how = await worker.ended;
      if (this.isStopping || this.#replaced.delete(worker)) return;
      deaths = this.#deps.now() - startedAt > STEADY_MS ? 1 : deaths + 1;
      // While others serve, their streams count for more: the fault may pass.
      if (deaths >= MAX_DEATHS && this.#serving.size === 0) {
        throw await this.#failure(worker);
      }
      const waitMs = Math.round(backoffMs(deaths - 1, BACKOFF));
      this.#deps.log.error(
        { worker: worker.index, pid: worker.pid, how, waitMs },
        "a worker died; it is started again",
      );
      this.#deps.onDeath();
      await this.#deps.wait(waitMs, this.#stop.signal).catch(() => undefined);
      if (this.isStopping) return;
      worker = this.#start(worker.index);
    }
  }

  async #failure(worker: Worker | undefined): Promise<BootError> {
    const { size } = this.#deps;
    return new BootError(`worker ${worker?.index} of ${size} does not run (${await worker?.ended}); it said why above`);
  }
}
