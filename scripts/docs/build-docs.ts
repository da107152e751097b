import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, extname, join, normalize } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { ignoreMissing } from "#shared/files/ignore-missing.ts";
import { filesBelow } from "../shared/files-below.ts";
import { projectPath } from "../shared/project-folder.ts";
import { replaceFolder } from "../shared/replace-folder.ts";
import { youngest } from "../shared/youngest.ts";
import { makeIndex } from "./make-index.ts";
import { INDEX, type Page, readPages, readSections } from "./read-pages.ts";
import { renderContent } from "./render-content.ts";
import { renderPage, type Site } from "./render-page.ts";

/** Where policy finds the pages. */
const OUTPUT = projectPath(".sluice", "docs");

/** What the pages are made of. */
const SOURCES = [
  projectPath("docs"),
  projectPath("README.md"),
  projectPath("infra", "docs"),
  projectPath("scripts", "docs"),
  projectPath("package-lock.json"),
];

/** What a browser shows of the project's own files; the rest of them is served as text. */
const SHOWN = [".svg", ".png"];

const COMPRESSED = [".html", ".css", ".js", ".json", ".svg", ".txt"];

/** Builds the pages where there are none, or where a file that they are made of is younger. `say` gets a line of progress. */
export async function ensureDocs(say: (line: string) => void): Promise<void> {
  const built = await youngest([join(OUTPUT, "index.html")]);
  if (built < (await youngest(SOURCES))) await buildDocs(say);
}

/** Builds the pages, in the old ones' place. */
export async function buildDocs(say: (line: string) => void): Promise<void> {
  say("building the documentation …");
  await replaceFolder(OUTPUT, async (fresh) => {
    await writeSite(fresh);
    for (const file of await filesBelow(fresh)) if (COMPRESSED.includes(extname(file))) await writeGzip(file);
  });
}

/** Brotli would take four seconds for all pages, and saves a page a fifth of what gzip leaves. */
async function writeGzip(file: string): Promise<void> {
  await writeFile(`${file}.gz`, await promisify(gzip)(await readFile(file), { level: 9 }));
}

async function writeSite(folder: string): Promise<void> {
  const pages = new Map((await readPages()).map((page) => [page.path, page]));
  const index = pages.get(INDEX);
  if (index === undefined) throw new Error(`${INDEX} is not there`);
  const files = new Map<string, string>();
  const assets = await writeAssets(folder, makeIndex([...pages.values()]));
  const sections = readSections(index, (href) => pages.get(resolve(index, href).file)?.path);
  const site: Site = { sections, pages, ...assets };
  for (const page of pages.values()) {
    const targets = await findTargets(page, pages, files);
    const content = renderContent(page, (_, href) => targets.get(href));
    await write(folder, `${page.url.slice("/docs/".length) || "index"}.html`, renderPage(site, page, content));
  }
  for (const [url, path] of files) {
    const target = join(folder, url.slice("/docs/".length));
    await mkdir(dirname(target), { recursive: true });
    await copyFile(projectPath(path), target);
  }
}

/** A file's name changes with its content, so that browsers keep it for good. */
async function writeAssets(folder: string, index: string): Promise<Pick<Site, "icon" | "style" | "script">> {
  const put = async (name: string, text: string): Promise<string> => {
    const digest = createHash("sha256").update(text).digest("base64url").slice(0, 10);
    const file = `assets/${name.replace(/\.(\w+)$/, `-${digest}.$1`)}`;
    await write(folder, file, text);
    return `/docs/${file}`;
  };
  const library = await read("node_modules", "minisearch", "dist", "es", "index.js");
  const minisearch = await put("minisearch.js", library.replace(/^\/\/# sourceMappingURL=.*$/m, ""));
  const found = await put("index.json", index);
  const program = (await read("infra", "docs", "docs.js"))
    .replace("{{MINISEARCH}}", minisearch)
    .replace("{{INDEX}}", found);
  return {
    icon: await put("icon.svg", await read("infra", "docs", "icon.svg")),
    style: await put("docs.css", await read("infra", "docs", "docs.css")),
    script: await put("docs.js", program),
  };
}

/** Where each link of the page leads. A file of the project that is no page is served as text. */
async function findTargets(
  page: Page,
  pages: ReadonlyMap<string, Page>,
  files: Map<string, string>,
): Promise<ReadonlyMap<string, string>> {
  const targets = new Map<string, string>();
  for (const [, href = ""] of (await readFile(projectPath(page.path), "utf8")).matchAll(/\]\(([^()\s]+)\)/g)) {
    if (/^[a-z]+:/.test(href)) continue;
    const { file, anchor } = resolve(page, href);
    const target = pages.get(file) ?? pages.get(`${file}/README.md`);
    const url = target?.url ?? (await addFile(file, files));
    if (url !== undefined) targets.set(href, url + anchor);
  }
  return targets;
}

/** The address of a file, which is copied; undefined for a folder, and where the file is not among those that are built from. */
async function addFile(path: string, files: Map<string, string>): Promise<string | undefined> {
  const found = await stat(projectPath(path)).catch(ignoreMissing);
  if (found?.isFile() !== true) return undefined;
  const url = SHOWN.includes(extname(path)) ? `/docs/files/${path}` : `/docs/files/${path}.txt`;
  files.set(url, path);
  return url;
}

function resolve(page: Page, href: string): { readonly file: string; readonly anchor: string } {
  const [path = "", anchor] = href.split("#");
  const file = path === "" ? page.path : normalize(join(dirname(page.path), decodeURI(path))).replace(/\/$/, "");
  return { file, anchor: anchor === undefined ? "" : `#${anchor}` };
}

function read(...names: string[]): Promise<string> {
  return readFile(projectPath(...names), "utf8");
}

async function write(folder: string, name: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await writeFile(join(folder, name), text);
}
