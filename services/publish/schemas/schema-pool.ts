import { WorkerPool } from "#shared/work/worker-pool.ts";
import type { SchemaAnswer, SchemaJob } from "./schema-job.ts";

/** One tenant's events may take one thread for a job's deadline; another's are checked by the other one meanwhile. */
const THREADS = 2;

const MAX_WAITING_OF_TENANT = 256;
const MAX_WAITING = 1_024;
const MAX_MEMORY_MB = 128;
const IDLE_MS = 60_000;

/** Does jobs on threads of their own, at most one of a tenant at a time. */
export type SchemaPool = Pick<WorkerPool<SchemaJob, SchemaAnswer>, "run">;

/** Opens the threads of a process, which end when it is disposed. */
export function openSchemaPool(): SchemaPool & AsyncDisposable {
  return new WorkerPool<SchemaJob, SchemaAnswer>({
    script: new URL("./schema-worker.ts", import.meta.url),
    threads: THREADS,
    maxWaitingOfOwner: MAX_WAITING_OF_TENANT,
    maxWaiting: MAX_WAITING,
    maxMemoryMb: MAX_MEMORY_MB,
    fullMessage: "too many events wait to be checked; try again",
    idleMs: IDLE_MS,
  });
}
