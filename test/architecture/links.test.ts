import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";
import { createAnchors } from "../../scripts/docs/anchors.ts";
import { listFiles, readText } from "./read-sources.ts";

const files = listFiles();
const pages = files.filter((path) => path.endsWith(".md"));
const places = new Set(files.flatMap((path) => [path, ...foldersOf(path)]));

test("a page's links lead to files and headings that are there", () => {
  const broken = pages.flatMap((page) =>
    linksOf(readText(page) ?? "").flatMap((link) => (leads(page, link) ? [] : [`${page}: ${link}`])),
  );
  expect(broken).toEqual([]);
});

test("every page under docs/ is reached from docs/README.md or the README", () => {
  const reached = new Set(["README.md", "docs/README.md"]);
  for (const page of reached) {
    const targets = linksOf(readText(page) ?? "").map((link) => targetOf(page, link).file);
    for (const target of targets) if (pages.includes(target)) reached.add(target);
  }
  expect(pages.filter((page) => page.startsWith("docs/") && !reached.has(page))).toEqual([]);
});

function leads(page: string, link: string): boolean {
  const { file, heading } = targetOf(page, link);
  if (!places.has(file)) return false;
  if (heading === undefined || !file.endsWith(".md")) return true;
  return headingsOf(readText(file) ?? "").includes(heading);
}

function targetOf(page: string, link: string): { readonly file: string; readonly heading: string | undefined } {
  const [path = "", heading] = link.split("#");
  const file = path === "" ? page : normalize(join(dirname(page), decodeURI(path))).replace(/\/$/, "");
  return { file, heading };
}

function linksOf(text: string): string[] {
  const prose = text.replaceAll(/^```.*?^```/gms, "").replaceAll(/`[^`]*`/g, "");
  const links = [...prose.matchAll(/\]\(([^()\s]+)\)/g)].map(([, link = ""]) => link);
  return links.filter((link) => !/^[a-z]+:/.test(link));
}

function headingsOf(text: string): string[] {
  const headings = text.replaceAll(/^```.*?^```/gms, "").matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, heading = ""]) => heading).map(createAnchors());
}

function foldersOf(path: string): string[] {
  const folder = dirname(path);
  return folder === "." ? [] : [folder, ...foldersOf(folder)];
}
