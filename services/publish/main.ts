import { runService } from "#shared/lifecycle/run-service.ts";
import { startPublish } from "./app.ts";
import { readPublishConfig } from "./config.ts";

await runService("publish", (env, log) => startPublish(readPublishConfig(env, log)));
