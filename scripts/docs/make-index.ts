import type { Token, Tokens } from "marked";
import MiniSearch from "minisearch";
import { createAnchors } from "./anchors.ts";
import { type Page, walk } from "./read-pages.ts";
import { plainText } from "./render-content.ts";

/** What the browser needs to read the index back: `infra/docs/docs.js` has the same. */
const OPTIONS = { fields: ["title", "heading", "text"], storeFields: ["title", "heading"] };

/** A part of a page: what stands between two headings. */
interface Part {
  /** The address of its heading. */
  readonly id: string;
  readonly title: string;
  readonly heading: string;
  text: string;
}

/** Makes the index that the search loads, with a place for each heading of each page. */
export function makeIndex(pages: readonly Page[]): string {
  const search = new MiniSearch<Part>(OPTIONS);
  search.addAll(pages.flatMap(partsOf));
  return JSON.stringify(search);
}

function partsOf({ url, title, tokens }: Page): Part[] {
  const anchorOf = createAnchors();
  const parts: Part[] = [];
  for (const token of tokens) {
    if (token.type === "heading") {
      const heading = plainText((token as Tokens.Heading).text);
      const anchor = anchorOf(heading);
      parts.push({ id: parts.length === 0 ? url : `${url}#${anchor}`, title, heading, text: "" });
    } else {
      const part = parts.at(-1);
      if (part !== undefined) part.text += ` ${textOf(token)}`;
    }
  }
  return parts;
}

/** The words of a token, without marks and addresses. */
function textOf(token: Token): string {
  let text = "";
  walk([token], (each) => {
    if (each.type === "code" || each.type === "codespan") text += ` ${(each as Tokens.Code).text}`;
    else if (each.type === "text" && !("tokens" in each && each.tokens !== undefined)) text += ` ${each.raw}`;
  });
  return text;
}
