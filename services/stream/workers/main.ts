import { runService } from "#shared/lifecycle/run-service.ts";
import { startWorker } from "../app.ts";
import { readStreamConfig } from "../config.ts";

await runService("stream", (env) => startWorker(readStreamConfig(env)));
