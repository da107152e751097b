import { serveJobs } from "#shared/work/serve-jobs.ts";
import { type DocumentAnswer, doDocumentJob } from "./compile-job.ts";

// What a thread of policy runs.
serveJobs(doDocumentJob, (answer: DocumentAnswer) =>
  "parts" in answer ? answer.parts.map(({ buffer }) => buffer) : [],
);
