import { markdownTable } from "../markdown-table.ts";
import type { Provider } from "./provider.ts";

/** What stands before and behind the generated part of the page. */
const MARKS = ["<!-- providers: written by npm run gen -->", "<!-- end of providers -->"] as const;

/** The page with its generated part as the fixtures say it. */
export function withProviders(page: string, providers: readonly Provider[]): string {
  const [begin, end] = [page.indexOf(MARKS[0]), page.indexOf(MARKS[1])];
  if (begin === -1 || end < begin) throw new Error(`the page has no part between ${MARKS.join(" and ")}`);
  return `${page.slice(0, begin)}${MARKS[0]}\n\n${providersPart(providers)}\n${page.slice(end)}`;
}

/** The table, and an entry for each provider. Nobody who copies one entry needs another. */
function providersPart(providers: readonly Provider[]): string {
  const rows = providers.map(({ name, token, needs }) => [name, token, needs]);
  const sections = providers
    .filter(({ entry }, index) => providers.findIndex((other) => other.entry === entry) === index)
    .map(({ name, token, entry }) => `### ${name}, ${token}\n\n\`\`\`yaml\n${entry}\`\`\`\n`);
  return `${markdownTable([["provider", "token", "what is special"], ...rows])}\n\n${sections.join("\n")}`;
}
