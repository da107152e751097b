import { readFileSync } from "node:fs";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** What starts servers or browsers: nearly everything that lies here, */
const TOGETHER = /\/test\/(console|docs|e2e|hardening|integration)\//;

/** and other files of tests that import this. */
const STARTS = /from "(#test\/(support|rigs)\/|\.\/)(start-|open-|run-under|failing-edge|acme)|from "\.\.\/bench\//;

/**
 * Runs the files that start servers before those that do not: these are done in no time, and fill up the second core while the
 * last of the long ones runs. Beyond that the order is vitest's own.
 */
export class ServersFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- it is the method of vitest, and answers a new array
    const sorted = await super.sort(files);
    const starting = new Set(
      sorted.filter(({ moduleId }) => TOGETHER.test(moduleId) || STARTS.test(readFileSync(moduleId, "utf8"))),
    );
    return [...starting, ...sorted.filter((file) => !starting.has(file))];
  }
}
