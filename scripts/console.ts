import { buildConsole } from "./console/build-console.ts";
import { runScript, say } from "./shared/run-script.ts";

// `npm run console`: builds what policy serves at /console.
await runScript(async () => {
  await buildConsole(say);
  say("policy serves it at /console");
  return 0;
});
