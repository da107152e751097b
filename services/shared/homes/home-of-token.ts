import { type HeaderValues, readExplicitToken } from "#shared/http/token-source.ts";
import { parseToken } from "#shared/tokens/parse-token.ts";

const NO_QUERY = new URLSearchParams();

/**
 * The issuer that a request's explicit token calls its own, as a hint for whom to ask; nothing is checked, and nothing thrown. Undefined
 * without such a token, for an opaque one, and for a request that will be refused for its tokens.
 */
export function hintedIssuer(headers: HeaderValues): string | undefined {
  try {
    return issuerIn(readExplicitToken({ headers, query: NO_QUERY })?.token);
  } catch {
    return undefined;
  }
}

/** The issuer that a token calls its own; undefined for an opaque one. Nothing is checked, and nothing thrown. */
export function issuerIn(token: string | undefined): string | undefined {
  if (token === undefined) return undefined;
  try {
    const issuer = parseToken(token)?.payload["iss"];
    return typeof issuer === "string" ? issuer : undefined;
  } catch {
    return undefined;
  }
}
