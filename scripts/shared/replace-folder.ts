import { rename, rm } from "node:fs/promises";
import { ignoreMissing } from "#shared/files/ignore-missing.ts";

/**
 * Has a folder that `write` fills take another one's place as a whole: who builds at the same time, or reads, sees one of them.
 * `write` gets the path of a folder beside it, which is not there yet.
 */
export async function replaceFolder(folder: string, write: (fresh: string) => Promise<void>): Promise<void> {
  const fresh = `${folder}-${process.pid}`;
  await write(fresh);
  const former = `${fresh}-former`;
  await rename(folder, former).catch(ignoreMissing);
  // Another build may have come first: it is as good as this one.
  await rename(fresh, folder).catch(() => rm(fresh, { recursive: true }));
  await rm(former, { recursive: true, force: true });
}
