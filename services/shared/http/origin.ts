import { z } from "zod";

/** Web origins that may use us with cookies: an exact list, comma-separated in the environment. */
export const originsSchema = z
  .string()
  .default("")
  .transform((text, context) => {
    const entries = text.split(",").map((entry) => entry.trim());
    return entries
      .filter((entry) => entry !== "")
      .flatMap((entry) => {
        const origin = normalOrigin(entry.replace(/(?<=[^/])\/$/, ""));
        if (origin !== undefined) return [origin];
        context.addIssue({ code: "custom", message: faultOf(entry) });
        return [];
      });
  });

/**
 * Whether a request that authenticates by cookie was made by a page we trust: its own origin, one on the allow list, or
 * not a page at all. Browsers always send one of the two headers on a cross-site request, and no page can forge them.
 */
export function isTrustedPage(
  headers: { origin?: string | undefined; secFetchSite?: string | undefined; host?: string | undefined },
  allowed: readonly string[],
): boolean {
  const { origin, secFetchSite, host } = headers;
  if (origin !== undefined) return isListedOrigin(origin, allowed) || isOriginOf(host, origin);
  return secFetchSite === undefined || secFetchSite === "same-origin" || secFetchSite === "none";
}

/** Whether the list of the settings holds the origin, in whatever case and with or without its default port. */
export function isListedOrigin(origin: string, allowed: readonly string[]): boolean {
  const asked = normalOrigin(origin);
  return asked !== undefined && allowed.includes(asked);
}

/**
 * The default port that `host` may name is that of the page's scheme: behind a proxy we are not asked by https ourselves.
 * Pages that an app brings along are no pages of ours, whatever they call their host.
 */
function isOriginOf(host: string | undefined, origin: string): boolean {
  const asked = normalOrigin(origin);
  if (asked === undefined || host === undefined || !/^https?:/.test(asked)) return false;
  return normalOrigin(`${new URL(asked).protocol}//${host}`) === asked;
}

/** A scheme and a host, and nothing around or behind them; a URL parser would take "*" for the name of a host. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^\s*/\\?#@]+$/i;

/** Schemes whose pages have no origin of their own, or that no page has: what is listed under them would never match. */
const WITHOUT_ORIGIN = /^(?:about|blob|data|file|ftp|javascript|wss?):/i;

/**
 * The one way in which browsers write an origin: lower case, ASCII, no default port (RFC 6454, section 6.2). The schemes of
 * apps and extensions (`capacitor://localhost`) are no URL parser's business: there it is the scheme and the host as they
 * stand, in lower case.
 */
function normalOrigin(text: string): string | undefined {
  if (!ORIGIN.test(text) || WITHOUT_ORIGIN.test(text) || !URL.canParse(text)) return undefined;
  const { origin, protocol, host } = new URL(text);
  return origin === "null" ? `${protocol}//${host.toLowerCase()}` : origin;
}

function faultOf(entry: string): string {
  if (entry === "null") return "null is what every sandboxed frame sends, of whatever site; list origins";
  if (entry.includes("*")) return `${entry}: with cookies there are no wildcards; list each origin`;
  const example = "https://app.example.com or capacitor://localhost";
  if (WITHOUT_ORIGIN.test(entry))
    return `${entry}: no page has an origin of this scheme; must be origins such as ${example}`;
  return `${entry} is no origin; must be origins such as ${example}, without a path, separated by commas`;
}
