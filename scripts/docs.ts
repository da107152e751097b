import { buildDocs } from "./docs/build-docs.ts";
import { runScript, say } from "./shared/run-script.ts";

// `npm run docs`: builds what policy serves at /docs.
await runScript(async () => {
  await buildDocs(say);
  say("policy serves it at /docs");
  return 0;
});
