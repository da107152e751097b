import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { chromium, natsServer, redisServer } from "./provision/programs.ts";
import { provisionClients } from "./provision/provision-clients.ts";
import { provision } from "./provision/provision.ts";
import { runScript, say } from "./shared/run-script.ts";

// `npm test`: gets what is missing, runs every test (or those its arguments name), and ends with `N passed, N failed`.
await runScript(async () => {
  const home = resolve(".sluice");
  const options = { home, path: process.env["PATH"] ?? "", say };
  await provision([natsServer, redisServer, chromium], options);
  await provisionClients(options);
  const folder = await mkdtemp(join(tmpdir(), "sluice-report-"));
  const report = join(folder, "report.json");
  const code = await runVitest(["--reporter=default", "--reporter=json", `--outputFile.json=${report}`]);
  const { passed, failed } = await readReport(report);
  await rm(folder, { recursive: true });
  say(`${passed} passed, ${failed} failed`);
  return passed + failed === 0 ? 1 : code;
});

async function runVitest(reporting: readonly string[]): Promise<number> {
  const vitest = resolve("node_modules/vitest/vitest.mjs");
  const args = [vitest, "run", "--config", "test/vitest.config.ts", ...reporting, ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, { stdio: "inherit" });
  // The runner ends its workers by itself when it is told to stop; this process waits for that.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
  const [code] = await once(child, "exit");
  return (code as number | null) ?? 1;
}

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

/** The runner's own count; a file that fails before its first test counts as one failure. */
async function readReport(file: string): Promise<{ passed: number; failed: number }> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return { passed: 0, failed: 0 };
  const report = JSON.parse(text) as Report;
  const unread = report.testResults.filter((each) => each.status === "failed" && each.assertionResults.length === 0);
  return { passed: report.numPassedTests, failed: report.numFailedTests + unread.length };
}
