import { runService } from "#shared/lifecycle/run-service.ts";
import { startStream } from "./app.ts";
import { readStreamConfig } from "./config.ts";

await runService("stream", (env) => startStream(readStreamConfig(env), env));
