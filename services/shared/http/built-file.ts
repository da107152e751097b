import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Context } from "hono";

/** A file that was built for browsers, in the encodings that it was built in. */
export interface BuiltFile {
  /** Its media type. */
  readonly type: string;
  /** The entity tag, in its quotes. */
  readonly etag: string;
  readonly body: Buffer<ArrayBuffer>;
  readonly br: Buffer<ArrayBuffer> | undefined;
  readonly gzip: Buffer<ArrayBuffer> | undefined;
}

/** What browsers and caches keep for good: its name changes with its content. */
export const KEPT_FOR_GOOD = "public, max-age=31536000, immutable";

/** Reads a file and its compressed forms beside it, `.br` and `.gz`. @throws the fault of the file system where it is not there. */
export async function readBuiltFile(file: URL, type: string): Promise<BuiltFile> {
  const body = await readFile(file);
  const digest = createHash("sha256").update(body).digest("base64url").slice(0, 22);
  const [br, gzip] = await Promise.all(
    [".br", ".gz"].map((end) => readFile(new URL(file.href + end)).catch(ignoreMissing)),
  );
  return { type, etag: `"${digest}"`, body, br, gzip };
}

/** Answers with the file, in the smallest form that the browser takes. */
export function answerBuiltFile(
  c: Context,
  { type, etag, body, br, gzip }: BuiltFile,
  headers: Readonly<Record<string, string>>,
): Response {
  const kept = { ...headers, etag, vary: "accept-encoding" };
  if (c.req.header("if-none-match") === etag) return c.body(null, 304, kept);
  const accepted = (c.req.header("accept-encoding") ?? "").split(",").map((each) => each.trim().split(";")[0]);
  if (br !== undefined && accepted.includes("br")) {
    return c.body(br, 200, { ...kept, "content-type": type, "content-encoding": "br" });
  }
  if (gzip !== undefined && accepted.includes("gzip")) {
    return c.body(gzip, 200, { ...kept, "content-type": type, "content-encoding": "gzip" });
  }
  return c.body(body, 200, { ...kept, "content-type": type });
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
