import { readdir, stat } from "node:fs/promises";
import { extname, join } from "node:path";

/** JSON is YAML, and is read as such. */
const SUFFIXES: ReadonlySet<string> = new Set([".yaml", ".yml", ".json"]);

/** Hidden files, and the JSON Schema that an editor checks the documents beside it by. */
const NO_DOCUMENT = /^\.|\.schema\.json$/;

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

/** The document files of a directory, or why it cannot be read, in words for its operator. */
export type DocumentListing =
  | { readonly files: readonly DocumentFile[]; readonly fault?: never }
  | { readonly files?: never; readonly fault: string };

const FAULT_TEXTS: Readonly<Record<string, string>> = {
  ENOENT: "does not exist",
  ENOTDIR: "is no directory",
  EACCES: "may not be read by the user that policy runs as",
  EPERM: "may not be read by the user that policy runs as",
};

/** The `*.yaml`, `*.yml` and `*.json` files of a directory but schemas, links followed. */
export async function listDocumentFiles(directory: string): Promise<DocumentListing> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => error);
  if (names instanceof Error) {
    const reason = FAULT_TEXTS[names.code ?? ""] ?? `cannot be read (${names.code ?? names.message})`;
    return { fault: `the directory ${directory} of POLICY_DOCUMENTS_DIR ${reason}` };
  }
  const candidates = names.filter((name) => SUFFIXES.has(extname(name)) && !NO_DOCUMENT.test(name));
  const files = await Promise.all(candidates.map((name) => describeFile(directory, name)));
  return { files: files.filter((file) => file !== undefined) };
}

async function describeFile(directory: string, name: string): Promise<DocumentFile | undefined> {
  const path = join(directory, name);
  // Gone since it was listed, or a link to nowhere: then it is not there yet.
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  if (found === undefined || !found.isFile()) return undefined;
  const stamp = [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join();
  return { tenant: name.slice(0, -extname(name).length), name, path, bytes: Number(found.size), stamp };
}
