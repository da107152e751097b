import { listFiles, readText } from "#test/architecture/read-sources.ts";

/** How a block of commands is executed: to its end, or until its output has a text, while it goes on. */
export type Mark =
  | { readonly kind: "run" }
  | { readonly kind: "until"; readonly text: string }
  | { readonly kind: "not run"; readonly reason: string };

/** A fenced block of a page. */
export interface Block {
  /** The page, by its path from the top. */
  readonly page: string;
  /** The line of the page at which the fence opens. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
  /** What the comment before it says; undefined where there is none that says anything about blocks. */
  readonly mark: Mark | undefined;
}

/** The pages whose blocks are checked: those for users, and what services say of themselves. */
export function listPages(): string[] {
  const isPage = (path: string): boolean => /^(README\.md|docs\/.*\.md|services\/(.*\/)?README\.md)$/.test(path);
  return listFiles().filter(isPage);
}

/** Every block of these pages, in the order of the page. */
export function readBlocks(pages: readonly string[]): Block[] {
  return pages.flatMap((page) => parseBlocks(page, readText(page) ?? ""));
}

/** The blocks of a page's text. A comment counts for the block behind it, also with an empty line between. */
export function parseBlocks(page: string, markdown: string): Block[] {
  const fence = /^(?<indent> *)```(?<language>[^\n`]*)\n(?<text>.*?)^\k<indent>```$/gms;
  return [...markdown.matchAll(fence)].map(({ index, groups = {} }) => {
    const { indent = "", language = "", text = "" } = groups;
    const before = markdown.slice(0, index);
    return {
      page,
      line: before.split("\n").length,
      language: language.trim(),
      text: text.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
      mark: parseMark(before.trimEnd().split("\n").at(-1) ?? ""),
    };
  });
}

/** Where a block is, as a line of a failure. */
export function placeOf({ page, line }: Block): string {
  return `${page}:${line}`;
}

function parseMark(line: string): Mark | undefined {
  const [, comment = ""] = /^ *<!-- (.*) -->$/.exec(line) ?? [];
  const [, text] = /^run: until (.+)$/.exec(comment) ?? [];
  if (text !== undefined) return { kind: "until", text };
  const [, reason] = /^not run: (.+)$/.exec(comment) ?? [];
  if (reason !== undefined) return { kind: "not run", reason };
  return comment === "run: stack" ? { kind: "run" } : undefined;
}
