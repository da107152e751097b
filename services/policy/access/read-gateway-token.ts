import { AppError } from "#shared/errors/app-error.ts";
import { isTrustedPage } from "#shared/http/origin.ts";
import type { TokenCookies } from "#shared/http/token-cookies.ts";
import { type ExplicitPlace, readExplicitToken } from "#shared/http/token-source.ts";
import type { Bearer } from "#shared/tokens/try-tokens.ts";
import {
  type RenewalUrgency,
  type RenewAccess,
  type RenewedAccess,
  type VerifiedRequest,
  verifyOrRenew,
} from "#shared/tokens/verify-or-renew.ts";

/** A request of somebody's client, as a gateway describes it. */
export interface GatewayRequest {
  readonly method: string;
  /** As it was sent, with its query. */
  readonly path: string;
  readonly host: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** The span of the gateway's own call. */
  readonly traceparent?: string | undefined;
}

/** What the tokens of requests are verified and renewed by. */
export interface GatewayTokenDeps<Claims extends Bearer> {
  readonly verify: (token: string) => Promise<Claims>;
  readonly renew: RenewAccess;
  readonly cookies: TokenCookies;
  /** Pages that may use cookies, beside those of the host itself. */
  readonly allowedOrigins: readonly string[];
  /** Whether a token calls itself an outside issuer's. */
  readonly isOutside: (token: string) => boolean;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
}

/** A new access token, and how the client and the server behind the gateway get it. */
export interface GatewayRenewal {
  readonly accessToken: string;
  /** The headers of the request that hold the old one, or that the new one is to be put into. */
  readonly places: readonly ExplicitPlace[];
  /** The values for `Set-Cookie`; undefined where the client keeps its tokens itself. */
  readonly cookies?: readonly string[];
}

/** Who makes a request, by a token that holds; with a new token where the old one was about to end. */
export interface GatewayToken<Claims> {
  readonly claims: Claims;
  readonly renewal?: GatewayRenewal;
}

/** Less than this left, and a token is renewed: a request and what the server does for it should fit in. */
const RENEW_BEFORE_MS = 60_000;

/** The header by which a client that keeps its tokens itself lets them be renewed. */
export const REFRESH_TOKEN_HEADER = "x-refresh-token";

/**
 * Finds and verifies the access token of a request. Where it is about to end, or is over, the refresh token beside it renews it:
 * an explicit one by `X-Refresh-Token`, a cookie by a cookie. What is explicit always wins over cookies.
 * @throws {AppError} `token_missing`; what is wrong with the token; `cross_site`; `conflicting_tokens`; `unavailable`.
 */
export async function readGatewayToken<Claims extends Bearer>(
  deps: GatewayTokenDeps<Claims>,
  request: GatewayRequest,
): Promise<GatewayToken<Claims>> {
  const { path, headers } = request;
  const explicit = readExplicitToken({ headers, query: new URLSearchParams(path.split("?").slice(1).join("?")) });
  const refreshToken = headers[REFRESH_TOKEN_HEADER];
  if (explicit === undefined && refreshToken === undefined) return readCookieToken(deps, request);
  const tokens = { access: listOf(explicit?.token), refresh: listOf(refreshToken), isExplicit: true };
  const verified = await verifyOrRenew({ ...deps, urgencyOf: urgencyAt(deps.wall()) }, tokens);
  return gatewayToken(verified, ({ accessToken }) => ({ accessToken, places: explicit?.places ?? ["authorization"] }));
}

async function readCookieToken<Claims extends Bearer>(
  deps: GatewayTokenDeps<Claims>,
  { headers, host }: GatewayRequest,
): Promise<GatewayToken<Claims>> {
  const { names, ...tokens } = deps.cookies.read(headers);
  if (tokens.access.length + tokens.refresh.length === 0) {
    throw new AppError("token_missing", "send an access token: Authorization: Bearer, X-Auth-Token, or the cookie");
  }
  const page = { origin: headers["origin"], secFetchSite: headers["sec-fetch-site"], host };
  if (!isTrustedPage(page, deps.allowedOrigins)) {
    throw new AppError("cross_site", "this page may not use the cookie");
  }
  const verified = await verifyOrRenew({ ...deps, urgencyOf: urgencyAt(deps.wall()) }, tokens);
  return gatewayToken(verified, ({ accessToken, sessionRemainingSeconds }) => ({
    accessToken,
    places: ["authorization"],
    cookies: deps.cookies.give({ access: accessToken }, sessionRemainingSeconds, names),
  }));
}

function gatewayToken<Claims>(
  { claims, renewed }: VerifiedRequest<Claims>,
  handOn: (renewed: RenewedAccess) => GatewayRenewal,
): GatewayToken<Claims> {
  return renewed === undefined ? { claims } : { claims, renewal: handOn(renewed) };
}

/** A token for streams alone, which a handshake put into the cookie, is none for requests. */
function urgencyAt(now: number): (claims: Bearer) => RenewalUrgency {
  return ({ exp, purpose }) => {
    if (purpose !== undefined) return "needed";
    return exp * 1_000 - now > RENEW_BEFORE_MS ? "none" : "wanted";
  };
}

function listOf(token: string | undefined): readonly string[] {
  return token === undefined ? [] : [token];
}
