import { runService } from "#shared/lifecycle/run-service.ts";
import { startPolicy } from "./app.ts";
import { readPolicyConfig } from "./config.ts";

await runService("policy", (env, log) => startPolicy(readPolicyConfig(env, log)));
