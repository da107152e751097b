import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import type { Context } from "hono";

/** A file of the console or of the documentation, in the encodings that it was built in. */
export interface BuiltFile {
  readonly type: string;
  /** The entity tag, in its quotes. */
  readonly etag: string;
  readonly body: Buffer<ArrayBuffer>;
  readonly br: Buffer<ArrayBuffer> | undefined;
  readonly gzip: Buffer<ArrayBuffer> | undefined;
}

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
};

/** What answers with a file whose name changes with its content: browsers keep it for good. */
export const KEPT_FOR_GOOD = { "cache-control": "public, max-age=31536000, immutable" };

/** Whether the file is one that browsers are served, and no encoding of another. */
export function isServed(name: string): boolean {
  return extname(name) in TYPES;
}

/** Reads a file and the encodings beside it; undefined where it is not there. */
export async function readBuiltFile(folder: URL, name: string): Promise<BuiltFile | undefined> {
  const read = (file: string): Promise<Buffer<ArrayBuffer> | undefined> =>
    readFile(new URL(file, folder)).catch(ignoreMissing);
  const [body, br, gzip] = await Promise.all([read(name), read(`${name}.br`), read(`${name}.gz`)]);
  if (body === undefined) return undefined;
  const digest = createHash("sha256").update(body).digest("base64url").slice(0, 22);
  return { type: TYPES[extname(name)] ?? "", etag: `"${digest}"`, body, br, gzip };
}

/** Answers with the file in the smallest encoding that the browser takes, or with 304 where it has the file. */
export function answerBuiltFile(c: Context, file: BuiltFile, given: Readonly<Record<string, string>>): Response {
  const { type, etag, body, br, gzip } = file;
  const headers = { ...given, etag, vary: "accept-encoding" };
  if (c.req.header("if-none-match") === etag) return c.body(null, 304, headers);
  const accepted = (c.req.header("accept-encoding") ?? "").split(",").map((each) => each.trim().split(";")[0]);
  if (br !== undefined && accepted.includes("br")) {
    return c.body(br, 200, { ...headers, "content-type": type, "content-encoding": "br" });
  }
  if (gzip !== undefined && accepted.includes("gzip")) {
    return c.body(gzip, 200, { ...headers, "content-type": type, "content-encoding": "gzip" });
  }
  return c.body(body, 200, { ...headers, "content-type": type });
}

/** What is not there is undefined; every other failure is thrown. */
export function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
