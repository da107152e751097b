import { runService } from "#shared/lifecycle/run-service.ts";
import { startAuth } from "./app.ts";
import { readAuthConfig } from "./config.ts";

await runService("auth", (env, log) => startAuth(readAuthConfig(env, log)));
