import { ScriptError } from "../shared/run-script.ts";

const UNRELEASED = "## Unreleased\n";

/**
 * Puts what stands under Unreleased in a changelog under a version and its day, and leaves Unreleased empty above it. `otherwise` stands
 * there where nothing does.
 * @throws {ScriptError} where there is no such part, the version has one already, or the part is empty and must not be.
 */
export function closeUnreleased(changelog: string, version: string, day: string, otherwise?: string): string {
  const [before, after, more] = changelog.split(UNRELEASED);
  if (before === undefined || after === undefined || more !== undefined) {
    throw new ScriptError("the changelog has to have one part, Unreleased");
  }
  if (after.includes(`\n## ${version} `)) throw new ScriptError(`the changelog has version ${version} already`);
  const [said = "", ...earlier] = after.split(/^(?=## )/m);
  if (said.trim() === "" && otherwise === undefined)
    throw new ScriptError("the changelog says nothing under Unreleased");
  const part = said.trim() === "" ? `\n${otherwise}\n${earlier.length > 0 ? "\n" : ""}` : said;
  return `${before}${UNRELEASED}\n## ${version} - ${day}\n${part}${earlier.join("")}`;
}
