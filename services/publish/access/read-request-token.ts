import { AppError } from "#shared/errors/app-error.ts";
import { isTrustedPage } from "#shared/http/origin.ts";
import { single } from "#shared/http/single-header.ts";
import type { TokenCookies } from "#shared/http/token-cookies.ts";
import { type HeaderValues, readExplicitToken } from "#shared/http/token-source.ts";
import type { TokenVerifier } from "#shared/tokens/token-verifier.ts";
import { verifyOneOf } from "#shared/tokens/try-tokens.ts";
import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";

/** What the token of a request is read by. */
export interface RequestTokenDeps {
  readonly verify: TokenVerifier["verify"];
  readonly cookies: TokenCookies;
  /** Pages that may use cookies, beside those of the host itself. */
  readonly allowedOrigins: readonly string[];
}

/**
 * Finds and verifies the access token of a request: `Authorization: Bearer`, then `X-Auth-Token`, then the cookie.
 * @throws {AppError} `token_missing`; what is wrong with the token; `cross_site`; `conflicting_tokens`; `token_in_url`.
 */
export async function readRequestToken(
  { verify, cookies, allowedOrigins }: RequestTokenDeps,
  request: {
    readonly headers: HeaderValues;
    readonly query: URLSearchParams;
    readonly address: string | undefined;
  },
): Promise<VerifiedClaims> {
  const explicit = readExplicitToken(request);
  if (explicit !== undefined) return verify(explicit.token, request.address);
  const { headers } = request;
  const { access } = cookies.read(headers);
  if (access.length === 0)
    throw new AppError("token_missing", "send an access token: Authorization: Bearer, X-Auth-Token, or the cookie");
  const [origin, secFetchSite, host] = ["origin", "sec-fetch-site", "host"].map((name) => single(headers[name]));
  if (!isTrustedPage({ origin, secFetchSite, host }, allowedOrigins)) {
    throw new AppError("cross_site", "this page may not use the cookie");
  }
  return verifyOneOf(access, (token) => verify(token, request.address));
}
