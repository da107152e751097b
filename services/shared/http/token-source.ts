import { AppError } from "#shared/errors/app-error.ts";

/** The headers that may carry an access token explicitly: no browser adds them without the page's code. */
export type ExplicitPlace = "authorization" | "x-auth-token";

/** A request's explicit access token, and every header that holds it. */
export interface ExplicitToken {
  readonly token: string;
  readonly places: readonly ExplicitPlace[];
}

/** A request's headers by lower-case name: node's `headersDistinct`, or `headers`, which hides a second Authorization. */
export type HeaderValues = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Usual names of a token in a URL, where logs, histories and referrers would keep it. */
const URL_PARAMETERS = ["access_token", "refresh_token", "token", "auth_token", "jwt"];

/** Clients and proxies repeat a header a few times; to take thousands of parts apart took 16 ms. */
const MAX_REPEATED = 8;

/** The characters of a bearer token (RFC 6750, section 2.1). */
const BEARER_TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/**
 * Finds the explicit access token of a request: `Authorization: Bearer`, or `X-Auth-Token`. It always wins over a cookie,
 * also where it is broken.
 * @throws {AppError} `token_in_url`; `conflicting_tokens` when two explicit tokens differ; `token_invalid` when one cannot be
 * a token at all.
 */
export function readExplicitToken(request: {
  readonly headers: HeaderValues;
  readonly query: URLSearchParams;
}): ExplicitToken | undefined {
  const { headers, query } = request;
  refuseTokenInUrl(query, "send it in the Authorization header");
  const found = [...bearerTokens(headers), ...customTokens(headers)];
  const [first] = found;
  if (first === undefined) return undefined;
  if (found.some(({ token }) => token !== first.token)) {
    throw new AppError("conflicting_tokens", "the request carries two different tokens");
  }
  if (!BEARER_TOKEN.test(first.token)) throw new AppError("token_invalid", "the access token is not valid");
  return { token: first.token, places: [...new Set(found.map(({ place }) => place))] };
}

/**
 * Refuses a token in the URL, whatever the request carries beside it.
 * @throws {AppError} `token_in_url`, which says where the token belongs.
 */
export function refuseTokenInUrl(query: URLSearchParams, instead: string): void {
  if (!URL_PARAMETERS.some((name) => query.has(name))) return;
  throw new AppError("token_in_url", `a token must not stand in the URL; ${instead}`);
}

interface FoundToken {
  readonly token: string;
  readonly place: ExplicitPlace;
}

function bearerTokens(headers: HeaderValues): FoundToken[] {
  return valuesOf(headers["authorization"])
    .map((value) => /^bearer(?:\s+(.*))?$/i.exec(value))
    .filter((match) => match !== null)
    .map((match) => ({ token: match[1] ?? "", place: "authorization" }));
}

function customTokens(headers: HeaderValues): FoundToken[] {
  return valuesOf(headers["x-auth-token"]).map((token) => ({ token, place: "x-auth-token" }));
}

/** Repeated headers may arrive joined by commas (RFC 9110, section 5.3), which no token contains. */
function valuesOf(header: string | readonly string[] | undefined): string[] {
  const values = [header ?? []]
    .flat()
    .flatMap((value) => value.split(",", MAX_REPEATED + 1).map((part) => part.trim()));
  if (values.length <= MAX_REPEATED) return values;
  throw new AppError("conflicting_tokens", `the request carries more than ${MAX_REPEATED} tokens in one header`);
}
