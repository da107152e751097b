import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { provisionTests } from "./provision/provision-tests.ts";
import { runScript, say } from "./shared/run-script.ts";
import { runVitest } from "./shared/run-vitest.ts";

const SLOWEST_TOLD = 10;

// `npm test`: gets what is missing, runs every test (or those its arguments name), and ends with the slowest files and `N passed, N failed`.
await runScript(async () => {
  await provisionTests(say);
  const folder = await mkdtemp(join(tmpdir(), "sluice-report-"));
  const report = join(folder, "report.json");
  const code = await runVitest([
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ]);
  const { passed, failed, slowest } = await readReport(report);
  await rm(folder, { recursive: true });
  if (slowest.length > 0) say(`the slowest files:\n${slowest.join("\n")}\n`);
  say(`${passed} passed, ${failed} failed`);
  return passed + failed === 0 ? 1 : code;
});

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly FileResult[];
}

interface FileResult {
  readonly name: string;
  readonly status: string;
  /** Milliseconds since 1970. */
  readonly startTime: number;
  readonly endTime: number;
  readonly assertionResults: readonly unknown[];
}

interface Outcome {
  readonly passed: number;
  readonly failed: number;
  /** Lines with a time and a file each. */
  readonly slowest: readonly string[];
}

/** The runner's own count; a file that fails before its first test counts as one failure. */
async function readReport(file: string): Promise<Outcome> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return { passed: 0, failed: 0, slowest: [] };
  const report = JSON.parse(text) as Report;
  const unread = report.testResults.filter((each) => each.status === "failed" && each.assertionResults.length === 0);
  const failed = report.numFailedTests + unread.length;
  return { passed: report.numPassedTests, failed, slowest: slowestOf(report.testResults) };
}

function slowestOf(files: readonly FileResult[]): string[] {
  const timed = files.map(({ name, startTime, endTime }) => ({ name: relative("", name), ms: endTime - startTime }));
  return timed
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, SLOWEST_TOLD)
    .map(({ name, ms }) => `${(ms / 1_000).toFixed(1).padStart(7)} s  ${name}`);
}
