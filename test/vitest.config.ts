import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const provisioned = fileURLToPath(new URL("../.sluice/bin", import.meta.url));

export default defineConfig({
  root: fileURLToPath(new URL("..", import.meta.url)),
  test: {
    env: { PATH: `${provisioned}${delimiter}${process.env["PATH"]}` },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Real servers and browsers on two cores: more files at once only make each other wait.
    maxWorkers: 2,
    include: ["services/**/*.test.ts", "scripts/**/*.test.ts", "test/**/*.test.ts"],
  },
});
