import { WorkerPool } from "#shared/work/worker-pool.ts";
import type { DocumentAnswer, DocumentJob } from "./compile-job.ts";
import { type CompilerSetting, createDocumentCompiler, type DocumentCompiler } from "./document-compiler.ts";
import { createPolicyReviewer, type PolicyReviewer } from "./policy-reviewer.ts";

/** One tenant's document may take one thread for its deadline; another's is read by the other one meanwhile. */
const THREADS = 2;

const MAX_WAITING_OF_TENANT = 4;

/** Each holds up to 1 MiB of text. */
const MAX_WAITING = 64;

const MAX_MEMORY_MB = 512;

/** After the largest documents a thread holds 200 MiB. */
const IDLE_MS = 60_000;

/** Opens the compiler of a process, whose threads end when it is disposed. */
export function openDocumentCompiler(setting: CompilerSetting): DocumentCompiler & PolicyReviewer & AsyncDisposable {
  const pool = new WorkerPool<DocumentJob, DocumentAnswer>({
    script: new URL("./compile-worker.ts", import.meta.url),
    threads: THREADS,
    maxWaitingOfOwner: MAX_WAITING_OF_TENANT,
    maxWaiting: MAX_WAITING,
    maxMemoryMb: MAX_MEMORY_MB,
    fullMessage: "too many policy documents wait to be read; try again",
    idleMs: IDLE_MS,
  });
  return {
    ...createDocumentCompiler(pool, setting),
    ...createPolicyReviewer(pool, setting),
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}
