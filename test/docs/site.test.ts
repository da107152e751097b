import { readFile } from "node:fs/promises";
import { relative } from "node:path";
import MiniSearch from "minisearch";
import { beforeAll, expect, test } from "vitest";
import { ensureDocs } from "../../scripts/docs/build-docs.ts";
import { filesBelow } from "../../scripts/shared/files-below.ts";
import { projectPath } from "../../scripts/shared/project-folder.ts";

const FOLDER = projectPath(".sluice", "docs");

/** The pages and files as they are served, by their addresses; of files without their text. */
const served = new Map<string, string>();
const pages = (): [string, string][] => [...served].filter(([, text]) => text !== "");

beforeAll(async () => {
  await ensureDocs(() => {});
  for (const file of await filesBelow(FOLDER)) {
    const name = relative(FOLDER, file);
    const isPage = name.endsWith(".html");
    const url = `/docs/${isPage ? name.replace(/(^index)?\.html$/, "") : name}`;
    served.set(url, isPage ? await readFile(file, "utf8") : "");
  }
});

test("each link of a page leads to a page or a file that is served, and to a heading that is there", () => {
  const broken = pages().flatMap(([url, html]) =>
    linksOf(html)
      .filter((link) => !leads(url, link))
      .map((link) => `${url}: ${link}`),
  );
  expect(broken).toEqual([]);
});

test("no page has a script or a style within it", () => {
  const withOwn = pages().filter(([, html]) =>
    /<script(?![^>]*src=)|<style|\sstyle=|\son\w+=/.test(html.replaceAll(/<code>.*?<\/code>/gs, "")),
  );
  expect(withOwn.map(([url]) => url)).toEqual([]);
});

test("a page of the index leads to the next one and back", () => {
  const next = linkOf(served.get("/docs/start") ?? "", "next");
  expect(linkOf(served.get(next) ?? "", "prev")).toBe("/docs/start");
});

test("the search finds the page about a symptom by its words, and a setting by its name", async () => {
  const [name = ""] = [...served.keys()].filter((url) => /index-.*\.json$/.test(url));
  const text = await readFile(`${FOLDER}/${name.slice("/docs/".length)}`, "utf8");
  const index = MiniSearch.loadJSON(text, { fields: ["title", "heading", "text"], storeFields: ["title", "heading"] });
  const find = (words: string): string[] =>
    index.search(words, { prefix: true, combineWith: "AND" }).map(({ id }) => String(id));
  expect(find("six tabs seventh waits")[0]).toBe("/docs/operate/troubleshooting#after-six-tabs-the-seventh-waits");
  expect(find("STREAM_MAX_CONNECTIONS")).toContainEqual(expect.stringContaining("/docs/reference/settings-stream"));
});

function leads(page: string, link: string): boolean {
  const [path = "", anchor] = link.split("#");
  const target = served.get(path === "" ? page : path);
  if (target === undefined) return path === "/console";
  return anchor === undefined || target.includes(`id="${decodeURIComponent(anchor)}"`);
}

/** What is not on another host. */
function linksOf(html: string): string[] {
  const links = [...html.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, link = ""]) => link);
  return links.filter((link) => !/^[a-z]+:/.test(link));
}

function linkOf(html: string, rel: string): string {
  return new RegExp(`<a rel="${rel}" href="([^"]*)"`).exec(html)?.[1] ?? "";
}
