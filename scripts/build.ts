import { buildServices } from "./build/build-services.ts";
import { runScript, say } from "./shared/run-script.ts";

// `npm run build`: makes of each service, and of the command, the few files that are run.
await runScript(async () => {
  say(`built in ${await buildServices()}`);
  return 0;
});
