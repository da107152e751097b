import { readdir, readFile } from "node:fs/promises";
import { type BuiltFile, ignoreMissing, isServed, readBuiltFile } from "./built-file.ts";

/** The console as it was built: its page, and the files that the page asks for by their names. */
export interface BuiltConsole {
  readonly page: string;
  readonly files: ReadonlyMap<string, BuiltFile>;
}

/** Where `npm run console` puts it. */
const FOLDER = new URL("../../../.sluice/console/", import.meta.url);

/** Reads the console from its folder into memory; undefined where it is not built. */
export async function loadConsole(folder = FOLDER): Promise<BuiltConsole | undefined> {
  const page = await readFile(new URL("index.html", folder), "utf8").catch(ignoreMissing);
  if (page === undefined) return undefined;
  const assets = new URL("assets/", folder);
  const files = new Map<string, BuiltFile>();
  for (const name of (await readdir(assets)).filter(isServed)) {
    const file = await readBuiltFile(assets, name);
    if (file !== undefined) files.set(name, file);
  }
  return { page, files };
}
