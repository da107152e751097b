import { readFile } from "node:fs/promises";
import { projectPath } from "../shared/project-folder.ts";
import type { ServiceName } from "../shared/service-calls.ts";

/** What all services read alike stands there. */
const TRACING = projectPath("docs", "operate", "tracing.md");

/** What each setting of a service means, as the reference says, in Markdown; nothing where the reference is not there. */
export async function readMeanings(service: ServiceName): Promise<ReadonlyMap<string, string>> {
  const pages = [TRACING, projectPath("docs", "reference", `settings-${service}.md`)];
  const texts = await Promise.all(pages.map((page) => readFile(page, "utf8").catch(() => "")));
  return new Map(texts.flatMap((text) => [...meaningsIn(text)]));
}

/** The last cell of each row of the tables, under each variable that its first cell names. */
function meaningsIn(page: string): ReadonlyMap<string, string> {
  const rows = page.split("\n").filter((line) => /^\| `[A-Z]/.test(line));
  const meanings = rows.flatMap((row) => {
    // A | within a cell is written \|.
    const cells = row.split(/(?<!\\)\|/).map((cell) => cell.trim());
    const [, variables = ""] = cells;
    const meaning = cells.at(-2) ?? "";
    return Array.from(variables.matchAll(/`([A-Z][A-Z0-9_]*)`/g), ([, name = ""]) => [name, meaning] as const);
  });
  return new Map(meanings.filter(([, meaning]) => meaning !== ""));
}

/** Markdown without its links and its backticks, as a terminal shows it. */
export function plainText(markdown: string): string {
  return markdown
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll("`", "")
    .replaceAll("\\|", "|");
}
