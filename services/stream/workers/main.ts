import { runService } from "#shared/lifecycle/run-service.ts";
import { startWorker } from "../app.ts";
import { readStreamConfig } from "../config.ts";

/** What a worker may take beyond its drain. */
const LETTING_GO_MS = 2_000;

await runService(
  "stream",
  (env) => startWorker(readStreamConfig(env)),
  (env) => readStreamConfig(env).STREAM_DRAIN_MS + LETTING_GO_MS,
);
