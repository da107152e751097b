import { doDocumentJob } from "../../services/policy/versions/compile-job.ts";
import { createDocumentCompiler, type DocumentCompiler } from "../../services/policy/versions/document-compiler.ts";

/** A compiler that does its jobs in this thread. */
export function compileHere(onCompiled?: () => void): DocumentCompiler {
  return createDocumentCompiler(
    { run: async (_, job) => doDocumentJob(job) },
    { deadlineMs: 2_000, ...(onCompiled === undefined ? {} : { onCompiled }) },
  );
}
