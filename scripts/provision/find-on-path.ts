import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";

/** Debian installs servers where an ordinary user's PATH does not look. */
const SERVER_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** The first executable of that name in the folders of `path` (and in the sbin folders), leaving out the folder `except`. */
export function findOnPath(name: string, path: string, except?: string): string | undefined {
  return [...path.split(delimiter), ...SERVER_FOLDERS]
    .filter((folder) => folder !== "" && (except === undefined || resolve(folder) !== resolve(except)))
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
