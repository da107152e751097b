import { serveJobs } from "#shared/work/serve-jobs.ts";
import { doSchemaJob } from "./schema-job.ts";

// What a thread of the publisher runs.
serveJobs(doSchemaJob, () => []);
