import { glob, readFile } from "node:fs/promises";
import { type Token, lexer, type Tokens } from "marked";
import { projectPath } from "../shared/project-folder.ts";

/** A page for users. */
export interface Page {
  /** Its Markdown file, by its path from the top of the project. */
  readonly path: string;
  /** Where it is served. */
  readonly url: string;
  readonly title: string;
  readonly tokens: readonly Token[];
}

/** Pages under one question of the index, in its order. */
export interface Section {
  readonly title: string;
  readonly links: readonly { readonly text: string; readonly path: string }[];
}

/** The page that lists the others by question. */
export const INDEX = "docs/README.md";

const PATTERNS = ["README.md", "docs/**/*.md", "services/**/README.md"];

/** Reads every page, the index first. */
export async function readPages(): Promise<Page[]> {
  const pages: Page[] = [];
  for await (const path of glob(PATTERNS, { cwd: projectPath(), exclude: (name) => name.endsWith("node_modules") })) {
    const tokens = lexer(await readFile(projectPath(path), "utf8"));
    const heading = tokens.find((token) => token.type === "heading") as Tokens.Heading | undefined;
    pages.push({ path, url: urlOf(path), title: heading?.text.replaceAll("`", "") ?? path, tokens });
  }
  return pages.toSorted((a, b) => Number(b.path === INDEX) - Number(a.path === INDEX) || (a.path < b.path ? -1 : 1));
}

/** What the index lists under each of its headings. */
export function readSections(index: Page, linkTo: (href: string) => string | undefined): Section[] {
  const sections: { title: string; links: { text: string; path: string }[] }[] = [];
  const listed = new Set<string>();
  const collect = (token: Token): void => {
    if (token.type === "heading") sections.push({ title: (token as Tokens.Heading).text, links: [] });
    if (token.type !== "link") return;
    const { href, text } = token as Tokens.Link;
    const path = linkTo(href);
    if (path === undefined || listed.has(path)) return;
    listed.add(path);
    sections.at(-1)?.links.push({ text, path });
  };
  walk(index.tokens, collect);
  return sections.filter(({ links }) => links.length > 0);
}

/** Visits tokens and those within them, in the order of the text. */
export function walk(tokens: readonly Token[], visit: (token: Token) => void): void {
  for (const token of tokens) {
    visit(token);
    walk(childrenOf(token), visit);
  }
}

function childrenOf(token: Token): Token[] {
  if (token.type === "table") {
    const { header, rows } = token as Tokens.Table;
    return [header, ...rows].flat().flatMap((cell) => cell.tokens);
  }
  if (token.type === "list") return (token as Tokens.List).items;
  return "tokens" in token ? (token.tokens ?? []) : [];
}

/** `docs/guides/x.md` is at `/docs/guides/x`, and a folder's README at the folder. */
function urlOf(path: string): string {
  if (path === INDEX) return "/docs/";
  if (path === "README.md") return "/docs/readme";
  return `/docs/${path.replace(/^docs\//, "").replace(/(\/README)?\.md$/, "")}`;
}
