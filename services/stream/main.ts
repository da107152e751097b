import { runService } from "#shared/lifecycle/run-service.ts";
import { startStream } from "./app.ts";
import { readStreamConfig } from "./config.ts";

/** How long the edge may take to close after its drain; a worker has less. */
const CLOSE_MS = 2_700;

await runService(
  "stream",
  (env, log) => startStream(readStreamConfig(env, log), env),
  (env) => readStreamConfig(env).STREAM_DRAIN_MS + CLOSE_MS,
);
