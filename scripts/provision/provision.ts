import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { findOnPath } from "./find-on-path.ts";
import { openArchive, type PackageArchive } from "./package-archive.ts";
import { linkProgram, wrapOverlay, wrapProgram } from "./place-in-bin.ts";
import type { Program } from "./programs.ts";
import { requireCommand, runCommand } from "../shared/run-command.ts";
import { ScriptError } from "../shared/run-script.ts";

/** Where to look and where to put what is found; `say` prints a line of progress. */
export interface ProvisionOptions {
  /** The project's own folder for what it gets and keeps: `.sluice`. */
  readonly home: string;
  readonly path: string;
  readonly say: (line: string) => void;
}

/**
 * Sees to it that every program runs by its name in `<home>/bin`: one that is there already, on PATH, or in the system's
 * packages, unpacked into `<home>/packages` without root and without a change to the system. An attempt that was cut off is
 * taken up again by the next.
 * @throws {ScriptError} saying what to install, where a program cannot be had.
 */
export async function provision(programs: readonly Program[], options: ProvisionOptions): Promise<void> {
  const home = resolve(options.home);
  let archive: PackageArchive | undefined;
  for (const program of programs) {
    const bin = join(home, "bin", program.name);
    if (isNewEnough(program, await versionOf(program, bin))) continue;
    const present = await findOnSystem(program, options.path, join(home, "bin"), options.say);
    if (present !== undefined) {
      await linkProgram(bin, present);
    } else if (process.platform === "darwin" && program.formula !== undefined) {
      await linkProgram(bin, await installWithBrew(program, program.formula, options));
    } else if (findOnPath("apt-get", options.path) !== undefined) {
      options.say(`${program.name} is not on PATH: looking into this system's packages …`);
      archive ??= await openArchive(join(home, "apt/system"));
      await unpackProgram(program, archive, home, options.say);
    } else {
      throw new ScriptError(howToInstall(program));
    }
    if (!isNewEnough(program, await versionOf(program, bin))) throw new ScriptError(await explainFailure(bin, program));
  }
  // Lists and caches are of no use before the next need, which would renew them: a quarter of a gigabyte.
  if (archive !== undefined) await rm(join(home, "apt"), { recursive: true, force: true });
}

async function findOnSystem(
  program: Program,
  path: string,
  bin: string,
  say: ProvisionOptions["say"],
): Promise<string | undefined> {
  if (program.overlaysUsr === true) return undefined;
  for (const command of program.commands) {
    const file = findOnPath(command, path, bin);
    const version = file === undefined ? undefined : await versionOf(program, file);
    if (isNewEnough(program, version)) return file;
    if (version !== undefined) say(`${file} is ${version.join(".")}, older than ${program.atLeast.join(".")}`);
  }
  return undefined;
}

async function installWithBrew(program: Program, formula: string, { path, say }: ProvisionOptions): Promise<string> {
  const brew = findOnPath("brew", path);
  if (brew === undefined) throw new ScriptError(howToInstall(program));
  say(`getting ${formula} with brew …`);
  await requireCommand(brew, ["install", formula]);
  return join((await requireCommand(brew, ["--prefix"])).trim(), "bin", program.name);
}

async function unpackProgram(
  program: Program,
  system: PackageArchive,
  home: string,
  say: ProvisionOptions["say"],
): Promise<void> {
  const offer = await findOffer(program, system, home);
  if (offer === undefined) throw new ScriptError(howToInstall(program));
  const { names, version, archive, suite } = offer;
  const packages = suite === undefined ? await archive.closureOf(names) : names;
  const count = packages.length === 1 ? "" : ` and ${packages.length - 1} packages it needs`;
  say(`getting ${names[0]} ${version}${count} from ${suite ?? "this system's packages"} …`);
  const target = join(home, "packages", program.name);
  await archive.unpack(packages, target);
  const wrapper = join(home, "bin", program.name);
  await (program.overlaysUsr === true ? wrapOverlay(wrapper, target) : wrapProgram(wrapper, target, program.files));
}

interface Offer {
  readonly names: readonly string[];
  readonly version: string;
  readonly archive: PackageArchive;
  readonly suite?: string;
}

/** The first of the program's packages that is new enough: in the system's own suite, else in the newer one. */
async function findOffer(program: Program, system: PackageArchive, home: string): Promise<Offer | undefined> {
  for (const names of program.packages) {
    const version = await system.versionOf(names[0] ?? "");
    if (version !== undefined && isNewEnough(program, parseVersion(version)))
      return { names, version, archive: system };
  }
  if (program.newerSuite === undefined) return undefined;
  const archive = await system.atSuite(program.newerSuite, join(home, "apt", program.newerSuite));
  const [names = []] = program.packages;
  const version = await archive.versionOf(names[0] ?? "");
  if (version === undefined || !isNewEnough(program, parseVersion(version))) return undefined;
  return { names, version, archive, suite: `Debian ${program.newerSuite}` };
}

async function versionOf(program: Program, file: string): Promise<readonly number[] | undefined> {
  const { code, stdout, stderr } = await runCommand(file, program.versionArguments ?? ["--version"]);
  // nginx tells its version among its errors.
  return code === 0 ? parseVersion(stdout + stderr) : undefined;
}

/** The first dotted number; a Debian epoch (`5:7.0.15`) is passed over. */
function parseVersion(text: string): readonly number[] | undefined {
  return /\d+(?:\.\d+)+/.exec(text)?.[0].split(".").map(Number);
}

function isNewEnough({ atLeast }: Program, version: readonly number[] | undefined): boolean {
  const [major = 0, minor = 0] = version ?? [];
  return major > atLeast[0] || (major === atLeast[0] && minor >= atLeast[1]);
}

async function explainFailure(bin: string, program: Program): Promise<string> {
  const { stderr } = await runCommand(bin, program.versionArguments ?? ["--version"]);
  return `${program.name} was put into ${bin} and does not run:\n  ${stderr.trim()}\n${howToInstall(program)}`;
}

function howToInstall({ name, commands, atLeast }: Program): string {
  return `${name} is needed: install ${commands.join(" or ")} ${atLeast.join(".")} or newer, put it on PATH, and run again`;
}
