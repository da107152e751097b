import { ACCESS_TOKEN_COOKIE } from "#shared/tokens/access-token.ts";
import { AppError } from "#shared/errors/app-error.ts";

/** A request's access token and its place: a page may send the cookie without its user's knowledge. */
export interface TokenSource {
  readonly token: string;
  readonly from: "authorization" | "x-auth-token" | "cookie";
}

/** A request's headers by lower-case name: node's `headersDistinct`, or `headers`, which hides a second Authorization. */
export type HeaderValues = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Usual names of a token in a URL, where logs, histories and referrers would keep it. */
const URL_PARAMETERS = ["access_token", "token", "auth_token", "jwt"];

/** The characters of a bearer token (RFC 6750, section 2.1). */
const BEARER_TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/**
 * Finds the access token of a request: `Authorization: Bearer`, then `X-Auth-Token`, then the cookie. An explicit token
 * always wins over the cookie, also a broken one.
 * @throws {AppError} `token_in_url`; `conflicting_tokens` when two explicit tokens differ; `token_invalid` when an explicit
 * one cannot be a token at all.
 */
export function readTokenSource(request: {
  readonly headers: HeaderValues;
  readonly query: URLSearchParams;
}): TokenSource | undefined {
  const { headers, query } = request;
  if (URL_PARAMETERS.some((name) => query.has(name))) {
    throw new AppError("token_in_url", "a token must not stand in the URL; send it in the Authorization header");
  }
  const explicit = [...bearerTokens(headers), ...customTokens(headers)];
  const [first] = explicit;
  if (first === undefined) return cookieToken(headers);
  if (explicit.some(({ token }) => token !== first.token)) {
    throw new AppError("conflicting_tokens", "the request carries two different tokens");
  }
  if (!BEARER_TOKEN.test(first.token)) throw new AppError("token_invalid", "the access token is not valid");
  return first;
}

/** The first cookie of that name in the request, undefined where it is absent or empty (as after a logout). */
export function readCookie(headers: HeaderValues, name: string): string | undefined {
  const pairs = [headers["cookie"] ?? []].flat().flatMap((header) => header.split(";"));
  const prefix = `${name}=`;
  const found = pairs.map((pair) => pair.trim()).find((pair) => pair.startsWith(prefix));
  return found?.slice(prefix.length) || undefined;
}

function bearerTokens(headers: HeaderValues): TokenSource[] {
  return valuesOf(headers["authorization"])
    .map((value) => /^bearer(?:\s+(.*))?$/i.exec(value))
    .filter((match) => match !== null)
    .map((match) => ({ token: match[1] ?? "", from: "authorization" }));
}

function customTokens(headers: HeaderValues): TokenSource[] {
  return valuesOf(headers["x-auth-token"]).map((token) => ({ token, from: "x-auth-token" }));
}

function cookieToken(headers: HeaderValues): TokenSource | undefined {
  const token = readCookie(headers, ACCESS_TOKEN_COOKIE);
  return token === undefined ? undefined : { token, from: "cookie" };
}

/** Repeated headers may arrive joined by commas (RFC 9110, section 5.3), which no token contains. */
function valuesOf(header: string | readonly string[] | undefined): string[] {
  return [header ?? []].flat().flatMap((value) => value.split(",").map((part) => part.trim()));
}
