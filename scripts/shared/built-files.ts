import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

/** Writes the file compressed by gzip beside it. */
export async function writeGzip(file: string): Promise<void> {
  await writeFile(`${file}.gz`, await promisify(gzip)(await readFile(file), { level: 9 }));
}

/** Writes the file compressed by brotli beside it. Browsers take it over TLS and on this machine alone. */
export async function writeBrotli(file: string): Promise<void> {
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  await writeFile(`${file}.br`, await promisify(brotliCompress)(await readFile(file), { params }));
}

/** When the youngest of these files and folders was changed, in milliseconds since 1970; 0 where none is there. */
export async function youngest(paths: readonly string[]): Promise<number> {
  const times = await Promise.all(
    paths.map(async (path) => {
      const found = await stat(path).catch(ignoreMissing);
      if (found === undefined) return 0;
      const below = found.isDirectory() ? await youngest((await readdir(path)).map((name) => join(path, name))) : 0;
      return Math.max(found.mtimeMs, below);
    }),
  );
  return Math.max(0, ...times);
}

/** The files below the folder, at whatever depth. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** What is not there is undefined; every other failure is thrown. */
export function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
