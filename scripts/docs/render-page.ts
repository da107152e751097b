import { escapeHtml } from "#shared/http/escape-html.ts";
import type { Page, Section } from "./read-pages.ts";
import type { Content } from "./render-content.ts";

/** What all pages share. */
export interface Site {
  readonly sections: readonly Section[];
  readonly pages: ReadonlyMap<string, Page>;
  /** The addresses of the icon, the style and the script. */
  readonly icon: string;
  readonly style: string;
  readonly script: string;
}

/** Fewer headings need no table of contents. */
const FEW_HEADINGS = 3;

/** A whole page: the search, the questions, the content, and where the reading goes on. */
export function renderPage(site: Site, page: Page, content: Content): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<title>${escapeHtml(page.title)} · Sluice</title>
<link rel="icon" href="${site.icon}" />
<link rel="stylesheet" href="${site.style}" />
<script type="module" src="${site.script}"></script>
</head>
<body>
<a class="skip" href="#content">Skip to the page</a>
<header>
<a class="home" href="/docs/">Sluice</a>
<div class="search" id="search" role="search">
<input type="search" id="query" placeholder="Search" role="combobox" aria-label="Search the documentation; the key / leads here" aria-expanded="false" aria-controls="found" aria-autocomplete="list" autocomplete="off" spellcheck="false" />
<ul id="found" role="listbox" aria-label="Found pages" hidden></ul>
<p id="count" role="status" class="unseen"></p>
</div>
<a class="to-pages" href="#pages">Questions</a>
<a href="/console">Console</a>
</header>
<div class="columns">
<main id="content">
${content.html}${readOn(site, page)}
</main>
<nav class="pages" id="pages" aria-label="Questions">
${site.sections.map((section) => sectionOf(section, site, page)).join("\n")}
</nav>
${contents(content)}
</div>
</body>
</html>
`;
}

function sectionOf({ title, links }: Section, { pages }: Site, current: Page): string {
  const items = links.map(({ text, path }) => {
    const here = path === current.path ? ' aria-current="page"' : "";
    return `<li><a href="${pages.get(path)?.url ?? ""}"${here}>${escapeHtml(text)}</a></li>`;
  });
  const isOpen = links.some(({ path }) => path === current.path);
  return `<details${isOpen ? " open" : ""}><summary>${escapeHtml(title)}</summary><ul>${items.join("")}</ul></details>`;
}

/** The page before and the one behind, in the order of the index. */
function readOn({ sections, pages }: Site, current: Page): string {
  const links = sections.flatMap((section) => section.links);
  const place = links.findIndex(({ path }) => path === current.path);
  const around = [
    { rel: "prev", says: "Before", link: place > 0 ? links[place - 1] : undefined },
    { rel: "next", says: "Next", link: links[place + 1] },
  ];
  const made = around.flatMap(({ rel, says, link }) =>
    link === undefined
      ? []
      : [
          `<a rel="${rel}" href="${pages.get(link.path)?.url ?? ""}"><small>${says}</small> ${escapeHtml(link.text)}</a>`,
        ],
  );
  return made.length === 0 ? "" : `<nav class="around" aria-label="Before and next">${made.join("")}</nav>`;
}

function contents({ headings }: Content): string {
  const top = headings.filter(({ depth }) => depth === 2);
  if (top.length < FEW_HEADINGS) return "";
  const items = top.map(({ text, anchor }) => `<li><a href="#${anchor}">${escapeHtml(text)}</a></li>`);
  return `<nav class="contents" aria-label="On this page"><p>On this page</p><ul>${items.join("")}</ul></nav>`;
}
