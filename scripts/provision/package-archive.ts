import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { requireCommand, runCommand } from "../shared/run-command.ts";
import { ScriptError } from "../shared/run-script.ts";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** Debian's package archive seen through apt with folders of its own: needs no root and leaves the system's state alone. */
export interface PackageArchive {
  /** The version that would be installed, undefined when the archive has no such package. */
  versionOf(name: string): Promise<string | undefined>;
  /** The packages themselves, and those they need that the system lacks, each as `name=version`. */
  closureOf(names: readonly string[]): Promise<string[]>;
  /** Downloads the packages and unpacks them into the folder `target`, which is there in full or not at all. */
  unpack(packages: readonly string[], target: string): Promise<void>;
  /** The same archive at another suite, as `folder`'s own view. */
  atSuite(suite: string, folder: string): Promise<PackageArchive>;
}

/** Opens the archive with the system's own sources, or with `sources` alone, and reads its lists into `folder`. */
export async function openArchive(folder: string, sources?: string): Promise<PackageArchive> {
  const config = await writeConfig(folder, sources);
  const apt = (...args: string[]): string[] => ["-c", config, ...args];
  // One source out of reach must not matter when the others have the package: a package that is missing is told later.
  const update = await runCommand("apt-get", apt("update"));
  const versionOf = async (name: string): Promise<string | undefined> => {
    const { stdout } = await runCommand("apt-cache", apt("policy", name));
    const version = /Candidate: (\S+)/.exec(stdout)?.[1];
    return version === "(none)" ? undefined : version;
  };
  return {
    versionOf,
    async closureOf(names) {
      const plan = await requireCommand("apt-get", apt("-s", "--no-install-recommends", "install", ...names));
      const missing = [...plan.matchAll(/^Inst (\S+) (?:\[\S+\] )?\((\S+) /gm)].map(
        ([, name, version]) => `${name}=${version}`,
      );
      const present = names.filter((name) => !missing.some((each) => each.startsWith(`${name}=`)));
      return [...missing, ...present];
    },
    async unpack(packages, target) {
      const downloads = join(folder, "downloads", basename(target));
      await mkdir(downloads, { recursive: true });
      await requireCommand("apt-get", apt("download", ...packages), { cwd: downloads }).catch((error: Error) => {
        throw new ScriptError(`${error.message}\n${update.stderr}`.trimEnd());
      });
      await unpackAll(downloads, target);
      await rm(downloads, { recursive: true });
    },
    async atSuite(suite, otherFolder) {
      const uri = await findArchiveUri(apt);
      const signed = existsSync(KEYRING) ? `[signed-by=${KEYRING}] ` : "";
      return openArchive(otherFolder, `deb ${signed}${uri} ${suite} main\n`);
    },
  };
}

/** Read by apt after the system's configuration, so that proxies and certificates set there hold here too. */
async function writeConfig(folder: string, sources: string | undefined): Promise<string> {
  await mkdir(join(folder, "lists/partial"), { recursive: true });
  await mkdir(join(folder, "cache/archives/partial"), { recursive: true });
  const lines = [
    `Dir::State::lists "${folder}/lists";`,
    `Dir::Cache "${folder}/cache";`,
    `Dir::Cache::pkgcache "pkgcache.bin";`,
    `APT::Sandbox::User "root";`,
    `Acquire::Languages "none";`,
    `Acquire::Retries "3";`,
    // What the system does after its own updates (cleaning caches, refreshing software centres) is not for these lists.
    `#clear APT::Update::Post-Invoke;`,
    `#clear APT::Update::Post-Invoke-Success;`,
  ];
  if (sources !== undefined) {
    await writeFile(join(folder, "sources.list"), sources);
    // A frozen or lagging mirror will do: the signature is still checked, and the caller asks for a least version.
    lines.push(`Acquire::Check-Valid-Until "false";`);
    lines.push(`Dir::Etc::sourcelist "${folder}/sources.list";`, `Dir::Etc::sourceparts "/dev/null";`);
  }
  const config = join(folder, "apt.conf");
  await writeFile(config, `${lines.join("\n")}\n`);
  return config;
}

/** The address of the Debian archive that this machine is set up with, so that mirrors and proxies of its own are used. */
async function findArchiveUri(apt: (...args: string[]) => string[]): Promise<string> {
  const filters = ["Created-By: Packages", "Origin: Debian", "Label: Debian"];
  const uris = await requireCommand("apt-get", apt("indextargets", "--format", "$(REPO_URI)", ...filters));
  const uri = uris.split("\n")[0] ?? "";
  if (uri === "") throw new ScriptError("this system's package sources name no Debian archive");
  return uri;
}

async function unpackAll(downloads: string, target: string): Promise<void> {
  const unfinished = `${target}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  for (const file of (await readdir(downloads)).filter((name) => name.endsWith(".deb"))) {
    await requireCommand("dpkg", ["-x", join(downloads, file), unfinished]);
  }
  // A set-user-id program belongs into the system, under its package manager, and nowhere else.
  await requireCommand("chmod", ["-R", "u-s,g-s", unfinished]);
  await rm(target, { recursive: true, force: true });
  await rename(unfinished, target);
}
