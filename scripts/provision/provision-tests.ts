import { resolve } from "node:path";
import { ensureClient } from "../client/build-client.ts";
import { ensureConsole } from "../console/build-console.ts";
import { ensureDocs } from "../docs/build-docs.ts";
import { chromium, natsServer, promtool, proxies, redisServer } from "./programs.ts";
import { provisionBrowsers, provisionLanguages } from "./provision-clients.ts";
import { provision, type ProvisionOptions } from "./provision.ts";

/** Gets and builds in `.sluice` what is missing there of what the tests run; says what cannot be had, and is not tested then. */
export async function provisionTests(say: (line: string) => void): Promise<void> {
  const options = { home: resolve(".sluice"), path: process.env["PATH"] ?? "", say };
  // They come from other places than packages do.
  await Promise.all([provisionPackages(options), provisionLanguages(options)]);
  await ensureConsole(say);
  await ensureClient(say);
  await ensureDocs(say);
}

async function provisionPackages(options: ProvisionOptions): Promise<void> {
  const { say } = options;
  await provision([natsServer, redisServer, chromium], options);
  for (const proxy of proxies) {
    await provision([proxy], options).catch((error: Error) =>
      say(`tests behind ${proxy.name} are not run: ${error.message}`),
    );
  }
  await provision([promtool], options).catch((error: Error) => say(`promtool's tests are not run: ${error.message}`));
  await provisionBrowsers(options);
}
