import { mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { builtProgram } from "../../scripts/build/build-services.ts";
import { projectPath } from "../../scripts/shared/project-folder.ts";
import { requireCommand, runCommand } from "../../scripts/shared/run-command.ts";
import { ScriptError } from "../../scripts/shared/run-script.ts";

/** What processes can run: a built state of the project. */
export interface Release {
  /** The built file of that name: a service, or `sluice`. */
  program(name: Parameters<typeof builtProgram>[0]): string;
}

/** What `npm run build` writes, in any state of the project since there is such a command. */
const BUILT = join(".sluice", "services");

const LOCK = "package-lock.json";

/**
 * The latest tag of a release before this state of the project, or at it.
 * @throws {ScriptError} where there is none.
 */
export async function lastTag(root: string = projectPath()): Promise<string> {
  const { code, stdout } = await runCommand("git", ["describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"], {
    cwd: root,
  });
  if (code === 0) return stdout.trim();
  throw new ScriptError(
    "no release is tagged here: name a revision (npm run upgrade-drill -- --from <revision>), fetch the tags (git fetch --tags), or make a release (npm run release)",
  );
}

/** This state of the project. */
export const THIS: Release = { program: builtProgram };

/**
 * Builds a revision of the project in a folder of its own, which goes when it is disposed of.
 * @throws {ScriptError} where there is no such revision, or it cannot be built.
 */
export async function buildRelease(name: string): Promise<Release & AsyncDisposable> {
  await using making = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "sluice-release-"));
  making.defer(() => rm(folder, { recursive: true, force: true }));
  const archive = join(folder, "archive.tar");
  // Without `^{commit}` the name of a file would do.
  await requireCommand("git", ["archive", "--output", archive, `${name}^{commit}`], { cwd: projectPath() });
  await requireCommand("tar", ["-xf", archive, "-C", folder]);
  if (await hasOurPackages(folder)) await symlink(projectPath("node_modules"), join(folder, "node_modules"));
  await requireCommand("npm", ["run", "build"], { cwd: folder });
  const made = making.move();
  return {
    program: (file) => join(folder, BUILT, `${file}.js`),
    [Symbol.asyncDispose]: () => made.disposeAsync(),
  };
}

async function hasOurPackages(folder: string): Promise<boolean> {
  const [theirs, ours] = await Promise.all([join(folder, LOCK), projectPath(LOCK)].map(readPackages));
  return theirs === ours;
}

/** The packages of a lock file. The project's own entry in it has a version that each release changes. */
async function readPackages(lock: string): Promise<string> {
  const { packages } = JSON.parse(await readFile(lock, "utf8")) as { readonly packages: Record<string, object> };
  return JSON.stringify({ ...packages, "": { ...packages[""], version: undefined } });
}
