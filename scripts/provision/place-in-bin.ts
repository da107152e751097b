import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { ScriptError } from "../shared/run-script.ts";

/** Makes `link` stand for a program of the system; it is replaced in one step. */
export async function linkProgram(link: string, program: string): Promise<void> {
  await replace(link, (unfinished) => symlink(program, unfinished));
}

/**
 * Makes `wrapper` a script that runs the first of `files` below `packages`, the folder its packages were unpacked into, with
 * the libraries and fonts that came along. Names are relative: the project's folder may be moved.
 */
export async function wrapProgram(wrapper: string, packages: string, files: readonly string[]): Promise<void> {
  const file = files.find((each) => existsSync(join(packages, each)));
  if (file === undefined)
    throw new ScriptError(`none of ${files.join(", ")} is in the packages unpacked to ${packages}`);
  await writeWrapper(wrapper, packages, `"$root/${file}" "$@"`);
}

/**
 * Makes `wrapper` a script that runs the command in its arguments where `/usr` is the packages' over the system's. Only that
 * command sees it so: it has a mount namespace of its own, for which neither root nor a change to the system is needed.
 */
export async function wrapOverlay(wrapper: string, packages: string): Promise<void> {
  const enter = `mount -t overlay overlay -o "lowerdir=$0/usr:/usr" /usr && exec "$@"`;
  await writeWrapper(
    wrapper,
    packages,
    `unshare --map-root-user --mount sh -c '${enter}' "$(readlink -f "$root")" "$@"`,
  );
}

async function writeWrapper(wrapper: string, packages: string, command: string): Promise<void> {
  const settings: string[] = [];
  const libraries = await findLibraryFolders(packages);
  if (libraries.length > 0) settings.push(`LD_LIBRARY_PATH="${libraries.map((each) => `$root/${each}`).join(":")}"`);
  if (existsSync(join(packages, "usr/share/fonts"))) {
    await writeFile(join(packages, "fonts.conf"), FONTS);
    settings.push('FONTCONFIG_FILE="$root/fonts.conf"');
  }
  const script = [
    "#!/bin/sh",
    `root=$(dirname "$(readlink -f "$0")")/${relative(dirname(wrapper), packages)}`,
    [...settings, "exec", command].join(" "),
  ];
  await replace(wrapper, async (unfinished) => {
    await writeFile(unfinished, `${script.join("\n")}\n`);
    await chmod(unfinished, 0o755);
  });
}

const FONTS = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">usr/share/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
`;

/** The folders below lib and usr/lib/<machine> that hold shared libraries; programs' private folders are left out. */
async function findLibraryFolders(packages: string): Promise<string[]> {
  const found = new Set<string>();
  for (const base of ["lib", "usr/lib"].filter((each) => existsSync(join(packages, each)))) {
    for (const entry of await readdir(join(packages, base), { recursive: true, withFileTypes: true })) {
      const folder = relative(packages, entry.parentPath);
      if (/^lib.+\.so(\.|$)/.test(entry.name) && /(^|\/)lib\/[^/]+-linux-[^/]+(\/[^/]+)?$/.test(folder))
        found.add(folder);
    }
  }
  return [...found].toSorted();
}

async function replace(file: string, write: (unfinished: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const unfinished = `${file}.${process.pid}`;
  await rm(unfinished, { force: true });
  await write(unfinished);
  await rename(unfinished, file);
}
