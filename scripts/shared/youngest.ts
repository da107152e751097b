import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { ignoreMissing } from "#shared/files/ignore-missing.ts";

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
