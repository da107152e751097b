import { rename, rm, utimes } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { ignoreMissing } from "#shared/files/ignore-missing.ts";
import { readTree } from "./read-tree.ts";

/**
 * Has a folder that `write` fills take another one's place as a whole: who builds at the same time, or reads, sees one of them.
 * `write` gets the path of a folder beside it, which is not there yet. One with the same files in it stays, as young as if they were new:
 * for a moment there is neither, and a program that loads its parts just then would miss them.
 */
export async function replaceFolder(folder: string, write: (fresh: string) => Promise<void>): Promise<void> {
  const fresh = `${folder}-${process.pid}`;
  await write(fresh);
  const [before, now] = await Promise.all([readTree(folder).catch(ignoreMissing), readTree(fresh)]);
  if (isDeepStrictEqual(before, now)) {
    const at = new Date();
    for (const file of now.keys()) await utimes(join(folder, file), at, at);
    return rm(fresh, { recursive: true });
  }
  const former = `${fresh}-former`;
  await rename(folder, former).catch(ignoreMissing);
  // Another build may have come first: it is as good as this one.
  await rename(fresh, folder).catch(() => rm(fresh, { recursive: true }));
  await rm(former, { recursive: true, force: true });
}
