import { runService } from "#shared/lifecycle/run-service.ts";
import { startWorker } from "../app.ts";
import { readStreamConfig } from "../config.ts";

/** How long a worker may take to close after its drain. */
const CLOSE_MS = 2_000;

await runService(
  "stream",
  (env) => startWorker(readStreamConfig(env)),
  (env) => readStreamConfig(env).STREAM_DRAIN_MS + CLOSE_MS,
);
