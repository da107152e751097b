import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Worker } from "./worker-pool.ts";
import type { WorkerAnswers, WorkerMessage, WorkerQuestion } from "./messages.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

/** A worker that does not answer within this time is left out of the sum. */
const ANSWER_MS = 2_000;

/** A worker is a process of its own; it prints to the primary's own output. */
export class WorkerProcess implements Worker {
  readonly index: number;
  readonly ready: Promise<boolean>;
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: unknown) => void>();
  #asked = 0;

  constructor(index: number, env: NodeJS.ProcessEnv) {
    this.index = index;
    this.#child = fork(MAIN, {
      env,
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      // Unlike JSON it knows NaN, which is what prom-client has for "nothing seen yet".
      serialization: "advanced",
    });
    this.ended = once(this.#child, "exit").then(
      ([code, signal]) => String(signal ?? `code ${code}`),
      (error: Error) => error.message,
    );
    // `send` reports a failure to its caller; without this listener it would end the primary.
    this.#child.on("error", () => undefined);
    const tookStreams = Promise.withResolvers<boolean>();
    this.#child.on("message", (message: WorkerMessage) => {
      if (message.kind === "ready") tookStreams.resolve(true);
      else this.#waiting.get(message.id)?.(message.answer);
    });
    void this.ended.then(() => this.#waiting.forEach((answer) => answer(undefined)));
    this.ready = Promise.race([tookStreams.promise, this.ended.then(() => false)]);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Asks the worker; undefined when it does not answer in time, or is gone. */
  async ask<Ask extends keyof WorkerAnswers>(ask: Ask): Promise<WorkerAnswers[Ask] | undefined> {
    const id = (this.#asked += 1);
    const answered = Promise.withResolvers<unknown>();
    this.#waiting.set(id, answered.resolve);
    const timer = setTimeout(answered.resolve, ANSWER_MS);
    const question: WorkerQuestion = { id, ask };
    this.#child.send(question, (error) => void (error !== null && answered.resolve(undefined)));
    const answer = await answered.promise;
    clearTimeout(timer);
    this.#waiting.delete(id);
    return answer as WorkerAnswers[Ask] | undefined;
  }

  async stop(graceMs: number): Promise<void> {
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), graceMs);
    await this.ended;
    clearTimeout(timer);
  }
}
