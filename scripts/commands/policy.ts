import { runPolicyCommand } from "./policy/run-policy-command.ts";
import { runScript, say } from "./shared/run-script.ts";

// `npm run policy -- lint | test | diff | explain | apply | export | import`: policy documents, on disk and in force.
await runScript(() => runPolicyCommand(process.argv.slice(2), { env: process.env, say }));
