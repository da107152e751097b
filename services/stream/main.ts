import { runService } from "#shared/lifecycle/run-service.ts";
import { startStream } from "./app.ts";
import { readStreamConfig } from "./config.ts";

/** What the edge may take beyond its drain; its workers take less. */
const LETTING_GO_MS = 2_700;

await runService(
  "stream",
  (env) => startStream(readStreamConfig(env), env),
  (env) => readStreamConfig(env).STREAM_DRAIN_MS + LETTING_GO_MS,
);
