import { writeSbom } from "./image/write-sbom.ts";
import { runScript } from "./shared/run-script.ts";

// `npm run sbom`: prints, as CycloneDX, of which packages what we ship consists.
await runScript(async () => {
  process.stdout.write(await writeSbom());
  return 0;
});
