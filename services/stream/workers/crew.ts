import { setTimeout as delay } from "node:timers/promises";
import { BootError } from "#shared/config/read-config.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { backoffMs } from "#shared/time/backoff.ts";
import type { WorkerProcess } from "./worker-process.ts";

const BACKOFF = { baseMs: 250, maxMs: 10_000 };

/** A worker that lived this long did not die of its start. */
const STEADY_MS = 60_000;

/** After so many deaths in a row, with nobody serving, the process is of no use. */
const MAX_DEATHS = 5;

/** What keeping workers needs. */
export interface CrewSetting {
  readonly size: number;
  /** Starts worker `index`, counted from 0. */
  readonly start: (index: number) => WorkerProcess;
  /** Told when a worker that was not asked to has ended. */
  readonly onDeath: () => void;
  /** Told when a worker that took streams is gone. */
  readonly onGone: (worker: WorkerProcess) => Promise<void>;
  /** How long a worker has to end its streams and itself. */
  readonly graceMs: number;
  readonly log: Logger;
}

/** The workers of a process. One that dies is started again; disposing ends all of them, in good order and together. */
export class Crew implements AsyncDisposable {
  readonly #setting: CrewSetting;
  readonly #stop = new AbortController();
  readonly #all = new Set<WorkerProcess>();
  readonly #serving = new Set<WorkerProcess>();

  constructor(setting: CrewSetting) {
    this.#setting = setting;
  }

  /** The workers that take streams, or did until they were asked to stop. */
  get serving(): Iterable<WorkerProcess> {
    return this.#serving;
  }

  get isStopping(): boolean {
    return this.#stop.signal.aborted;
  }

  /**
   * Starts all workers, and from then on keeps them.
   * @throws {BootError} when one ends before it takes streams; it has said why.
   */
  async start(): Promise<void> {
    const workers = Array.from({ length: this.#setting.size }, (_, index) => this.#start(index));
    const came = await Promise.all(workers.map(({ ready }) => ready));
    const failed = came.indexOf(false);
    if (failed !== -1) throw new BootError(await this.#describeFailure(failed, workers[failed]));
    // A rejection of this is a fault that ends the process, told with its reason.
    for (const [index, worker] of workers.entries()) void this.#keep(index, worker);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    // All at once: streams that one of them ends must not come to the next, to be ended there again.
    await Promise.all([...this.#all].map((worker) => worker.stop(this.#setting.graceMs)));
  }

  #start(index: number): WorkerProcess {
    const worker = this.#setting.start(index);
    this.#all.add(worker);
    void worker.ready.then((isReady) => isReady && this.#serving.add(worker));
    void worker.ended.then(() => this.#all.delete(worker));
    return worker;
  }

  /** Starts a worker again whenever it dies, the later the more often it did. */
  async #keep(index: number, first: WorkerProcess): Promise<void> {
    let worker = first;
    for (let deaths = 0; ;) {
      const startedAt = performance.now();
      const how = await worker.ended;
      if (this.#serving.delete(worker)) await this.#setting.onGone(worker);
      if (this.isStopping) return;
      deaths = performance.now() - startedAt > STEADY_MS ? 1 : deaths + 1;
      // While others serve, their streams count for more than this one's end: what it lacks may come back.
      if (deaths >= MAX_DEATHS && this.#serving.size === 0) {
        throw new BootError(await this.#describeFailure(index, worker));
      }
      const waitMs = Math.round(backoffMs(deaths - 1, BACKOFF));
      this.#setting.log.error({ worker: index, pid: worker.pid, how, waitMs }, "a worker died; it is started again");
      this.#setting.onDeath();
      await delay(waitMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      if (this.isStopping) return;
      worker = this.#start(index);
    }
  }

  async #describeFailure(index: number, worker: WorkerProcess | undefined): Promise<string> {
    return `worker ${index} of ${this.#setting.size} does not run (${await worker?.ended}); it said why above`;
  }
}
