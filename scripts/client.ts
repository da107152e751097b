import { buildClient } from "./client/build-client.ts";
import { runScript, say } from "./shared/run-script.ts";

// `npm run client`: builds the package of services/client.
await runScript(async () => {
  await buildClient(say);
  return 0;
});
