import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

const SUFFIX = ".yaml";

/** A file that may hold a tenant's document, as it is on disk right now. */
export interface DocumentFile {
  /** The file's name without its suffix; whether it is a name at all is not said. */
  readonly tenant: string;
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  /** Differs once the file was written or replaced, or its link points somewhere else. */
  readonly stamp: string;
}

/** The `*.yaml` files of a directory, links followed; undefined while the directory cannot be read. */
export async function listDocumentFiles(directory: string): Promise<DocumentFile[] | undefined> {
  const names = await readdir(directory).catch(() => undefined);
  const candidates = names?.filter((name) => name.endsWith(SUFFIX) && !name.startsWith("."));
  if (candidates === undefined) return undefined;
  const files = await Promise.all(candidates.map((name) => describeFile(directory, name)));
  return files.filter((file) => file !== undefined);
}

async function describeFile(directory: string, name: string): Promise<DocumentFile | undefined> {
  const path = join(directory, name);
  // Gone since it was listed, or a link to nowhere: then it is not there yet.
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  if (found === undefined || !found.isFile()) return undefined;
  const stamp = [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join();
  return { tenant: name.slice(0, -SUFFIX.length), name, path, bytes: Number(found.size), stamp };
}
