import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { makeCertificates } from "./certificates/make-certificates.ts";
import { runScript, say } from "./shared/run-script.ts";

// `npm run certificates -- --out <folder>`: what the services need for gRPC with mutual TLS. It may run as often as one
// likes: it makes what is missing or about to expire, and the services take up new files as they run.
await runScript(async () => {
  const { out } = parseArgs({ options: { out: { type: "string", default: ".sluice/certificates" } } }).values;
  const made = await makeCertificates(resolve(out));
  say(made.length === 0 ? `${out}: every certificate is valid` : `${out}: made ${made.join(", ")}`);
  return 0;
});
