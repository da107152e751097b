import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname } from "node:path";

/** A file of the console, in the encodings that it was built in. */
export interface ConsoleFile {
  readonly type: string;
  /** The entity tag, in its quotes. */
  readonly etag: string;
  readonly body: Buffer<ArrayBuffer>;
  readonly br: Buffer<ArrayBuffer> | undefined;
  readonly gzip: Buffer<ArrayBuffer> | undefined;
}

/** The console as it was built: its page, and the files that the page asks for by their names. */
export interface BuiltConsole {
  readonly page: string;
  readonly files: ReadonlyMap<string, ConsoleFile>;
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
  const files = await Promise.all(names.map(async (name) => [name, await readAsset(assets, name)] as const));
  return { page, files: new Map(files) };
}

async function readAsset(folder: URL, name: string): Promise<ConsoleFile> {
  const read = (file: string): Promise<Buffer<ArrayBuffer>> => readFile(new URL(file, folder));
  const body = await read(name);
  const digest = createHash("sha256").update(body).digest("base64url").slice(0, 22);
  const [br, gzip] = await Promise.all(["br", "gz"].map((end) => read(`${name}.${end}`).catch(ignoreMissing)));
  return { type: TYPES[extname(name)] ?? "", etag: `"${digest}"`, body, br, gzip };
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
