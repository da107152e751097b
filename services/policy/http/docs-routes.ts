import { readdir, stat } from "node:fs/promises";
import { extname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Hono } from "hono";
import { ignoreMissing } from "#shared/files/ignore-missing.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { answerBuiltFile, KEPT_FOR_GOOD, readBuiltFile } from "#shared/http/built-file.ts";

/** Where `npm run docs` puts the pages. */
const FOLDER = new URL("../../../.sluice/docs/", import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
};

/** A page runs its own script, loads what stands beside it, and is shown in no other page's frame. */
const CONTENT_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

const PAGE_HEADERS = {
  "cache-control": "no-cache",
  "content-security-policy": CONTENT_POLICY,
  "cross-origin-opener-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** Adds the documentation at `/docs/` and below. It is public, and the same for everybody. A name is looked up and never put together. */
export function addDocs(api: Hono, folder = FOLDER): void {
  let names: ReadonlySet<string> = new Set();
  let listed: number | undefined;
  /** The pages may be built, and built again, while policy runs: another folder has taken the place then. */
  const list = async (): Promise<ReadonlySet<string>> => {
    const present = (await stat(folder).catch(ignoreMissing))?.ino;
    if (present !== listed) names = new Set(await namesIn(folder));
    listed = present;
    return names;
  };
  api.get("/docs", (c) => c.redirect("/docs/", 308));
  api.get("/docs/*", async (c) => {
    const path = c.req.path.slice("/docs/".length);
    const known = await list();
    const name = [path, `${path === "" ? "index" : path}.html`].find((each) => known.has(each));
    if (name === undefined) throw new AppError("not_found", "there is no such page: /docs/ lists them");
    const file = await readBuiltFile(new URL(name, folder), TYPES[extname(name)] ?? "");
    const isAsset = name.startsWith("assets/");
    return answerBuiltFile(c, file, isAsset ? { ...PAGE_HEADERS, "cache-control": KEPT_FOR_GOOD } : PAGE_HEADERS);
  });
}

async function namesIn(folder: URL): Promise<string[]> {
  const found = await readdir(folder, { withFileTypes: true, recursive: true }).catch(ignoreMissing);
  const files = (found ?? []).filter((entry) => entry.isFile() && extname(entry.name) in TYPES);
  return files.map(({ parentPath, name }) => {
    const within = relative(fileURLToPath(folder), parentPath);
    return within === "" ? name : `${within}/${name}`;
  });
}
