#!/usr/bin/env node
import { runSluice } from "./commands/run-sluice.ts";
import { readEnvironment } from "./shared/env-file.ts";
import { runScript } from "./shared/run-script.ts";

/** Wider lines are hard to read. */
const MAX_COLUMNS = 100;

// Whoever reads the output may have seen enough: `sluice audit … | head`.
process.stdout.on("error", () => process.exit(1));
await runScript(async () =>
  runSluice(process.argv.slice(2), {
    ...(await readEnvironment(process.env)),
    stdin: process.stdin,
    columns: Math.min(process.stdout.columns ?? MAX_COLUMNS, MAX_COLUMNS),
    say: (line) => void process.stdout.write(`${line}\n`),
    warn: (line) => void process.stderr.write(`${line}\n`),
  }),
);
