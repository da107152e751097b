import { provisionTests } from "./provision/provision-tests.ts";
import { runScript, say } from "./shared/run-script.ts";

// `npm run provision`: what `npm test` would get first.
await runScript(async () => {
  await provisionTests(say);
  return 0;
});
