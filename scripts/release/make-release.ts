import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { requireCommand } from "../shared/run-command.ts";
import { ScriptError } from "../shared/run-script.ts";
import { moveVersion } from "./move-version.ts";

/** What `npm version` takes here; what else it would take, `--help` for one, moves no version. */
const WANTED = /^(?:patch|minor|major|\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)$/;

/**
 * Moves the version of the clone in `root` as `wanted` says, has `generate` write whatever follows from it, and makes a commit and a tag
 * of it all. Answers the version. The version that is there may be released, too, where it has no tag. What fails on its way is taken
 * back: nothing was changed then.
 * @throws {ScriptError} where something is not committed, the version has a tag, or the changelog says nothing of it.
 */
export async function makeRelease(wanted: string, root: string, generate: () => Promise<void>): Promise<string> {
  const git = async (...args: readonly string[]): Promise<string> =>
    (await requireCommand("git", args, { cwd: root })).trim();
  if (!WANTED.test(wanted)) {
    throw new ScriptError(`say which: npm run release -- patch, minor, major or a version; ${wanted} is none`);
  }
  if ((await git("status", "--porcelain")) !== "") {
    throw new ScriptError("something is not committed: it would be part of the release");
  }
  const before = await git("rev-parse", "HEAD");
  try {
    await requireCommand("npm", ["version", wanted, "--no-git-tag-version", "--allow-same-version"], { cwd: root });
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { readonly version: string };
    if ((await git("tag", "--list", `v${version}`)) !== "") throw new ScriptError(`v${version} is tagged already`);
    await moveVersion(version, new Date(), root);
    await generate();
    await git("add", "--all");
    await git("commit", "--message", version);
    await git("tag", "--annotate", `v${version}`, "--message", version);
    return version;
  } catch (error) {
    // Whatever there is beside what was committed is of this release, new files too.
    await git("add", "--all");
    await git("reset", "--hard", "--quiet", before);
    throw error;
  }
}
