import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Context } from "hono";
import { negotiatorFor } from "./negotiator-for.ts";
import { ignoreMissing } from "#shared/files/ignore-missing.ts";

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
  const forms = { br, gzip, identity: body };
  const accepted = negotiatorFor(c.req.header()).encodings();
  const coding = CODINGS.find((each) => accepted.includes(each) && forms[each] !== undefined) ?? "identity";
  // Each form has a tag of its own (RFC 9110, section 8.8.3.3): a cache would give one to who asked for another.
  const tag = coding === "identity" ? etag : `${etag.slice(0, -1)}-${coding}"`;
  const kept = { ...headers, etag: tag, vary: "accept-encoding" };
  if (isNamed(tag, c.req.header("if-none-match"))) return c.body(null, 304, kept);
  const coded = coding === "identity" ? {} : { "content-encoding": coding };
  return c.body(forms[coding] ?? body, 200, { ...kept, "content-type": type, ...coded });
}

/** The smallest first. */
const CODINGS = ["br", "gzip"] as const;

/** A browser names one; anybody may send 90 KB of them. */
const MAX_TAGS = 32;

/** Whether an `If-None-Match` names a tag among its first ones; proxies that change a body mark its tag as weak. */
function isNamed(tag: string, header = ""): boolean {
  return header.split(",", MAX_TAGS).some((each) => each.trim().replace(/^W\//, "") === tag);
}
