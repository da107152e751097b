import { Marked, type Tokens } from "marked";
import { escapeHtml } from "#shared/http/escape-html.ts";
import { createAnchors } from "./anchors.ts";
import type { Page } from "./read-pages.ts";

/** Where a link of a page leads on the site; undefined where what it names is not served. */
export type FindTarget = (page: Page, href: string) => string | undefined;

/** A heading below the title, for the page's own table of contents. */
export interface Heading {
  readonly depth: number;
  readonly text: string;
  readonly anchor: string;
}

/** A page's content as HTML, and its headings. */
export interface Content {
  readonly html: string;
  readonly headings: readonly Heading[];
}

/** Renders a page. HTML in it is left out: there are comments alone. */
export function renderContent(page: Page, findTarget: FindTarget): Content {
  const anchorOf = createAnchors();
  const headings: Heading[] = [];
  const marked = new Marked({
    renderer: {
      html: () => "",
      heading(this: { parser: { parseInline(tokens: unknown[]): string } }, { tokens, depth, text }: Tokens.Heading) {
        const anchor = anchorOf(plainText(text));
        if (depth > 1) headings.push({ depth, text: plainText(text), anchor });
        const mark = depth > 1 ? ` <a class="anchor" href="#${anchor}" aria-label="Link to this section">#</a>` : "";
        return `<h${depth} id="${anchor}">${this.parser.parseInline(tokens)}${mark}</h${depth}>\n`;
      },
      link(this: { parser: { parseInline(tokens: unknown[]): string } }, { href, tokens }: Tokens.Link) {
        const text = this.parser.parseInline(tokens);
        const target = /^[a-z]+:/.test(href) ? href : findTarget(page, href);
        return target === undefined ? text : `<a href="${escapeHtml(target)}">${text}</a>`;
      },
      image: ({ href, text }: Tokens.Image) =>
        `<img src="${escapeHtml(findTarget(page, href) ?? href)}" alt="${escapeHtml(text)}" />`,
      code: ({ text, lang = "" }: Tokens.Code) =>
        `<pre tabindex="0" aria-label="${lang === "" ? "text" : escapeHtml(lang)}"><code>${escapeHtml(text)}</code></pre>\n`,
    },
  });
  return { html: withinRegions(marked.parser([...page.tokens])), headings };
}

/** A wide table scrolls in itself; who uses a keyboard reaches it to scroll. A heading that says nothing is none. */
function withinRegions(html: string): string {
  return html
    .replaceAll("<th></th>", "<td></td>")
    .replaceAll("<table>", '<div class="table" tabindex="0" role="group" aria-label="table"><table>')
    .replaceAll("</table>", "</table></div>");
}

/** A heading's text without the marks of code, emphasis and links. */
export function plainText(markdown: string): string {
  return markdown.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll(/[`*]/g, "");
}
