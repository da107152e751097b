import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { AppError } from "#shared/errors/app-error.ts";
import type { JobReply } from "./serve-jobs.ts";

/** What a job may take. */
export interface JobLimits {
  /** Of the thread's processor time; past that the thread is ended. What else the machine does is not the job's fault. */
  readonly deadlineMs: number;
  /** Whether it is refused where many wait. */
  readonly mayBeRefused: boolean;
}

/** What a pool consists of. */
export interface WorkerPoolOptions {
  /** The script of each thread: it calls `serveJobs`. */
  readonly script: URL;
  readonly threads: number;
  /** How many jobs of one owner, and how many in all, may wait before more are refused. */
  readonly maxWaitingOfOwner: number;
  readonly maxWaiting: number;
  /** How much memory a thread may take, in MiB. */
  readonly maxMemoryMb: number;
  /** What is said where too many wait. */
  readonly fullMessage: string;
  /** How long a thread without work is kept: it holds what memory its last job took. */
  readonly idleMs: number;
}

/** A job was ended: it took longer than its deadline, or more memory than a thread may. */
export class JobEndedError extends Error {
  override readonly name = "JobEndedError";
}

/** However busy the machine is. */
const MAX_CLOCK_FACTOR = 10;

interface Waiting<Job, Answer> {
  readonly job: Job;
  readonly limits: JobLimits;
  readonly outcome: PromiseWithResolvers<Answer>;
}

/**
 * Threads that do jobs, each started when it is needed first. An owner has one job under way at a time, and owners have their
 * turns one after another: whatever one of them asks for, another waits for no more than the jobs that are under way.
 */
export class WorkerPool<Job, Answer> implements AsyncDisposable {
  readonly #options: WorkerPoolOptions;
  /** By owner; the first owner here that has nothing under way is next. */
  readonly #waiting = new Map<string, Waiting<Job, Answer>[]>();
  readonly #underWay = new Set<string>();
  /** Threads without work, and the ends of them that are due. */
  readonly #idle = new Map<Worker, NodeJS.Timeout>();
  readonly #threads = new Set<Worker>();
  /** Threads that are there or about to be. */
  #places = 0;
  #isClosed = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  /**
   * Has a thread do a job, and answers what it answers.
   * @throws {JobEndedError} past the deadline, or for want of memory; {@link AppError} `unavailable` where too many wait.
   */
  async run(owner: string, job: Job, limits: JobLimits): Promise<Answer> {
    if (this.#isClosed) throw new AppError("unavailable", "this process is about to end");
    if (limits.mayBeRefused) this.#requireRoom(owner);
    const outcome = Promise.withResolvers<Answer>();
    const queue = this.#waiting.get(owner) ?? [];
    queue.push({ job, limits, outcome });
    this.#waiting.set(owner, queue);
    this.#startNext();
    return outcome.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const left = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    for (const end of this.#idle.values()) clearTimeout(end);
    for (const { outcome } of left) outcome.reject(new AppError("unavailable", "this process is about to end"));
    await Promise.all([...this.#threads].map((thread) => thread.terminate()));
  }

  #requireRoom(owner: string): void {
    const { maxWaiting, maxWaitingOfOwner } = this.#options;
    const ofOwner = this.#waiting.get(owner)?.length ?? 0;
    const inAll = [...this.#waiting.values()].reduce((sum, queue) => sum + queue.length, 0);
    if (ofOwner < maxWaitingOfOwner && inAll < maxWaiting) return;
    throw new AppError("unavailable", this.#options.fullMessage);
  }

  #startNext(): void {
    while (!this.#isClosed && (this.#idle.size > 0 || this.#places < this.#options.threads)) {
      const next = [...this.#waiting.keys()].find((owner) => !this.#underWay.has(owner));
      if (next === undefined) return;
      const [first, ...rest] = this.#waiting.get(next) ?? [];
      this.#waiting.delete(next);
      if (rest.length > 0) this.#waiting.set(next, rest);
      if (first !== undefined) void this.#do(next, first);
    }
  }

  async #do(owner: string, { job, limits, outcome }: Waiting<Job, Answer>): Promise<void> {
    this.#underWay.add(owner);
    let thread = this.#takeIdle();
    if (thread === undefined) this.#places += 1;
    try {
      thread ??= await this.#startThread();
      const { answer, error } = await ask<Answer>(thread, job, limits.deadlineMs);
      if (error === undefined) outcome.resolve(answer as Answer);
      else outcome.reject(new Error(error));
    } catch (error) {
      // Nothing is asked of a thread that is about to end.
      if (thread !== undefined) this.#threads.delete(thread);
      outcome.reject(error);
    } finally {
      if (thread !== undefined && this.#threads.has(thread)) this.#keepIdle(thread);
      else this.#places -= 1;
      this.#underWay.delete(owner);
      this.#moveBehindOthers(owner);
      this.#startNext();
    }
  }

  #forget(thread: Worker): void {
    this.#threads.delete(thread);
    clearTimeout(this.#idle.get(thread));
    if (this.#idle.delete(thread)) this.#places -= 1;
  }

  #takeIdle(): Worker | undefined {
    const [thread, end] = [...this.#idle].at(-1) ?? [];
    if (thread === undefined) return undefined;
    clearTimeout(end);
    this.#idle.delete(thread);
    return thread;
  }

  #keepIdle(thread: Worker): void {
    const end = setTimeout(() => {
      this.#forget(thread);
      void thread.terminate();
    }, this.#options.idleMs);
    this.#idle.set(thread, end.unref());
  }

  #moveBehindOthers(owner: string): void {
    const queue = this.#waiting.get(owner);
    if (queue === undefined) return;
    this.#waiting.delete(owner);
    this.#waiting.set(owner, queue);
  }

  async #startThread(): Promise<Worker> {
    const { script, maxMemoryMb } = this.#options;
    // A thread that reads what strangers write needs none of the settings.
    const thread = new Worker(script, { env: {}, resourceLimits: { maxOldGenerationSizeMb: maxMemoryMb } });
    this.#threads.add(thread);
    thread.unref();
    // A failure is told to whoever waits for the thread.
    thread.on("error", () => this.#forget(thread));
    thread.on("exit", () => this.#forget(thread));
    const ended = once(thread, "exit").then(() => Promise.reject(new Error("the thread ended before it began")));
    await Promise.race([once(thread, "message"), ended]);
    return thread;
  }
}

/** Gives a thread a job, and waits for its answer; the thread is ended where it does not come in time. */
async function ask<Answer>(thread: Worker, job: unknown, deadlineMs: number): Promise<JobReply<Answer>> {
  using settled = new DisposableStack();
  const reply = Promise.withResolvers<JobReply<Answer>>();
  const over = new AbortController();
  settled.defer(() => over.abort());
  pastDeadline(thread, deadlineMs, over.signal).then(() => {
    reply.reject(new JobEndedError(`it took more than ${deadlineMs / 1_000} s`));
    return thread.terminate();
  }, reply.reject);
  const onMessage = (message: JobReply<Answer>): void => reply.resolve(message);
  const onError = (error: NodeJS.ErrnoException): void => reply.reject(failureOf(error));
  const onExit = (): void => reply.reject(new Error("the thread ended"));
  thread.once("message", onMessage).once("error", onError).once("exit", onExit);
  settled.defer(() => thread.off("message", onMessage).off("error", onError).off("exit", onExit));
  thread.postMessage(job, []);
  return await reply.promise;
}

/** Waits until the thread has spent that much more processor time, or ten times as much has passed on the clock. */
async function pastDeadline(thread: Worker, deadlineMs: number, over: AbortSignal): Promise<void> {
  const end = performance.now() + deadlineMs * MAX_CLOCK_FACTOR;
  const begun = await thread.cpuUsage();
  let leftMs = deadlineMs;
  while (leftMs > 0 && performance.now() < end) {
    await delay(Math.max(1, leftMs), undefined, { signal: over, ref: false });
    const { user, system } = await thread.cpuUsage(begun);
    leftMs = deadlineMs - (user + system) / 1_000;
  }
}

function failureOf(error: NodeJS.ErrnoException): Error {
  return error.code === "ERR_WORKER_OUT_OF_MEMORY" ? new JobEndedError("it took more memory than it may") : error;
}
