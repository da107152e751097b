import { z } from "zod";

/** Web origins that may use us with cookies: an exact list, comma-separated in the environment. */
export const originsSchema = z
  .string()
  .default("")
  .transform((text) =>
    text
      .split(",")
      .map((origin) => origin.trim())
      .filter((origin) => origin !== ""),
  )
  .pipe(z.array(z.string().refine(isOrigin, "must be origins such as https://app.example.com, separated by commas")));

function isOrigin(text: string): boolean {
  // A host may hold "*" for a URL parser; it would be listed as a pattern, and never match.
  return !text.includes("*") && URL.canParse(text) && new URL(text).origin === text;
}

/**
 * Whether a request that authenticates by cookie was made by a page we trust: its own origin, one on the allow list, or
 * not a page at all. Browsers always send one of the two headers on a cross-site request, and no page can forge them.
 */
export function isTrustedPage(
  headers: { origin?: string | undefined; secFetchSite?: string | undefined; host?: string | undefined },
  allowed: readonly string[],
): boolean {
  const { origin, secFetchSite, host } = headers;
  if (origin !== undefined) {
    if (allowed.includes(origin)) return true;
    return URL.canParse(origin) && new URL(origin).host === host;
  }
  return secFetchSite === undefined || secFetchSite === "same-origin" || secFetchSite === "none";
}
