import { hash } from "node:crypto";
import type { Hono } from "hono";
import { describeCall } from "./openapi/describe-call.ts";
import { negotiatorFor } from "./negotiator-for.ts";
import { VERSION } from "#shared/lifecycle/version.ts";

/** What stands at `/` of a port: what this is, and where to go. */
export interface Welcome {
  /** What is at this port: `Sluice: the edge`. */
  readonly name: string;
  /** One sentence. */
  readonly about: string;
  readonly links: readonly WelcomeLink[];
}

interface WelcomeLink {
  /** A path of this port. */
  readonly href: string;
  readonly text: string;
}

/** How the pages for people look that services serve themselves. */
export const STYLE = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:38rem;margin:12vh auto;padding:0 1.25rem;background:light-dark(#eef2f4,#0b1216);color:light-dark(#12222b,#e4edf1)}
h1{margin:0;font-size:1.4rem}p{margin:.5rem 0 1.25rem}ul{margin:0;padding:0;list-style:none}
li{padding:.45rem 0;border-top:1px solid light-dark(#d5dee3,#263640)}p,span{color:light-dark(#51646f,#93a7b2)}
a{color:light-dark(#0b6b8a,#5cc4e4)}code{margin-right:.6em;font-size:.95em}`;

/** The headers of a page that may run and load nothing, and looks by this style alone. */
export function htmlHeaders(style: string): Readonly<Record<string, string>> {
  const allowed = `style-src 'sha256-${hash("sha256", style, "base64")}'`;
  return {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": `default-src 'none'; ${allowed}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  };
}

/** An answer of any HTTP server. */
export interface WelcomeAnswer {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Adds the page at `/`. */
export function addWelcomePage(api: Hono, welcome: Welcome): void {
  api.get("/", describeCall("page"), (c) => {
    const { body, headers } = answerWelcome(welcome, c.req.header("accept"));
    for (const [name, value] of Object.entries(headers)) c.header(name, value, { append: name === "vary" });
    return c.body(body);
  });
}

/** The page as HTML for browsers, which may run and load nothing by it, and as JSON for everybody else. */
export function answerWelcome(welcome: Welcome, accept: string | undefined): WelcomeAnswer {
  // Who prefers neither gets JSON.
  const isBrowser = negotiatorFor({ accept }).mediaType(["application/json", "text/html"]) === "text/html";
  const headers = { vary: "accept", ...(isBrowser ? htmlHeaders(STYLE) : { "content-type": "application/json" }) };
  return { body: isBrowser ? htmlOf(welcome) : jsonOf(welcome), headers };
}

function jsonOf({ name, about, links }: Welcome): string {
  const named = Object.fromEntries(links.map(({ href, text }) => [href, text]));
  return `${JSON.stringify({ name, version: VERSION, about, links: named }, null, 2)}\n`;
}

function htmlOf({ name, about, links }: Welcome): string {
  const items = links.map(({ href, text }) => `<li><a href="${href}"><code>${href}</code></a><span>${text}</span>`);
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${name}</title><style>${STYLE}</style>
<h1>${name}</h1><p>${about} Version ${VERSION}.</p><ul>${items.join("")}</ul></html>
`;
}
