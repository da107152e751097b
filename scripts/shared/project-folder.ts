import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));

/** A path below the project's own folder, wherever the command was called. */
export function projectPath(...names: string[]): string {
  return join(PROJECT, ...names);
}
