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
        const origin = normalOrigin(entry);
        if (origin !== undefined) return [origin];
        context.addIssue({
          code: "custom",
          message: `${entry} is no origin; must be origins such as https://app.example.com, separated by commas`,
        });
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

/** The default port that `host` may name is that of the page's scheme: behind a proxy we are not asked by https ourselves. */
function isOriginOf(host: string | undefined, origin: string): boolean {
  const asked = normalOrigin(origin);
  if (asked === undefined || host === undefined) return false;
  return normalOrigin(`${new URL(asked).protocol}//${host}`) === asked;
}

/** A scheme and a host, and nothing around or behind them; a URL parser would take "*" for the name of a host. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^\s*/\\?#@]+$/i;

/** The one way in which browsers write an origin: lower case, ASCII, no default port (RFC 6454, section 6.2). */
function normalOrigin(text: string): string | undefined {
  if (!ORIGIN.test(text) || !URL.canParse(text)) return undefined;
  const { origin } = new URL(text);
  return origin === "null" ? undefined : origin;
}
