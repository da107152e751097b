import { parentPort, type Transferable } from "node:worker_threads";

/** What a thread says to a job: its answer, or why there is none. */
export interface JobReply<Answer> {
  readonly answer?: Answer;
  readonly error?: string;
}

/** Does the jobs that a pool gives this thread; `given` are the parts of an answer that are handed over without a copy. */
export function serveJobs<Answer>(
  work: (job: never) => Answer,
  given: (answer: Answer) => readonly Transferable[],
): void {
  parentPort?.on("message", (job: unknown) => {
    try {
      const answer = work(job as never);
      parentPort?.postMessage({ answer }, given(answer));
    } catch (error) {
      parentPort?.postMessage({ error: String(error) }, []);
    }
  });
  parentPort?.postMessage("ready", []);
}
