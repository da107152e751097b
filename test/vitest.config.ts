import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { ServersFirst } from "./servers-first.ts";
import { SEED_VARIABLE, timeoutOf } from "./soak/amount.ts";

const provisioned = fileURLToPath(new URL("../.sluice/bin", import.meta.url));

/** What services are made of is compiled once, and not at each of the hundreds of starts: half of what a start costs. */
const compiled = fileURLToPath(new URL("../.sluice/compiled", import.meta.url));

export default defineConfig({
  root: fileURLToPath(new URL("..", import.meta.url)),
  test: {
    env: { PATH: `${provisioned}${delimiter}${process.env["PATH"]}`, NODE_COMPILE_CACHE: compiled },
    globalSetup: "test/build-first.ts",
    // Longer than a test waits for something (`waitFor`): what it waited for says more than that it took too long.
    testTimeout: timeoutOf(90_000),
    hookTimeout: 120_000,
    // As long as `waitFor` waits.
    expect: { poll: { timeout: 30_000 } },
    // On two cores: half of what tests do is to wait for real servers, so a third file keeps the cores busy.
    maxWorkers: 3,
    // Nothing runs on import and no module keeps state: files share a worker, and what they import is read once.
    isolate: false,
    sequence: { sequencer: ServersFirst },
    // In a soak, the generators of random cases begin with its seed.
    setupFiles: process.env[SEED_VARIABLE] === undefined ? [] : ["test/soak/plant-seed.ts"],
    include: ["services/**/*.test.ts", "scripts/**/*.test.ts", "test/**/*.test.ts"],
  },
});
