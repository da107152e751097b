import { readdir, readFile } from "node:fs/promises";
import { extname } from "node:path";
import { ignoreMissing } from "#shared/files/ignore-missing.ts";
import { type BuiltFile, readBuiltFile } from "#shared/http/built-file.ts";

/** The console as it was built: its page, and the files that the page asks for by their names. */
export interface BuiltConsole {
  readonly page: string;
  readonly files: ReadonlyMap<string, BuiltFile>;
}

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
};

/** Where `npm run console` puts it. */
const FOLDER = new URL("../../../.sluice/console/", import.meta.url);

/** Reads the console from its folder into memory; undefined where it is not built. */
export async function loadConsole(folder = FOLDER): Promise<BuiltConsole | undefined> {
  const page = await readFile(new URL("index.html", folder), "utf8").catch(ignoreMissing);
  if (page === undefined) return undefined;
  const assets = new URL("assets/", folder);
  const names = (await readdir(assets)).filter((name) => extname(name) in TYPES);
  const read = (name: string): Promise<BuiltFile> =>
    readBuiltFile(new URL(name, assets), TYPES[extname(name)] ?? "application/octet-stream");
  const files = await Promise.all(names.map(async (name) => [name, await read(name)] as const));
  return { page, files: new Map(files) };
}
