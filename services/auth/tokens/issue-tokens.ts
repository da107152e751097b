import { randomUUID } from "node:crypto";
import { formatScope, type Scope } from "#shared/protocol/scope.ts";
import { SignJWT } from "jose";
import { ACCESS_TOKEN_TYPE, STREAM_PURPOSE } from "#shared/tokens/access-token.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { Clock } from "#shared/time/clock.ts";
import type { Keys } from "../keys/open-keys.ts";
import { macOf } from "./mac.ts";
import { formatRefreshToken } from "./refresh-token.ts";

/**
 * The longest access token that is issued. Browsers refuse a cookie whose name and value take more than 4 096 bytes (RFC 6265bis,
 * section 5.6); the rest is for the name.
 */
const MAX_CHARACTERS = 3_900;

/** The session that tokens are issued for. */
interface TokenSession {
  readonly sid: string;
  readonly tenant: string;
  readonly subject: string;
  readonly clientId: string;
  readonly loginAt: string;
  readonly scope?: Scope | undefined;
  /** The connection id of the one stream that the access token is good for calls about. */
  readonly contextId?: string | undefined;
  /** In milliseconds of auth's clock. */
  readonly endsAt: number;
}

/** What the session's subject holds now. */
interface Holder {
  readonly roles: readonly string[];
  readonly groups: readonly string[];
}

/** What a login or a refresh hands out. */
export interface IssuedTokens {
  readonly accessToken: string;
  readonly expiresInSeconds: number;
  readonly refreshToken: string;
  readonly sid: string;
  /** What the access token is limited to, as its text; undefined where it is not. */
  readonly scope?: string | undefined;
  /** How long the session can still be refreshed. */
  readonly sessionRemainingSeconds: number;
}

/** A renewal, which is issued in the same way each time that it is given. */
interface TokenRenewal {
  /** In milliseconds of auth's clock. */
  readonly issuedAt: number;
  /** What its access token is for. */
  readonly purpose: "stream" | "requests";
}

/**
 * Issues an access token and the refresh token of that generation. Neither outlives the session. The access token of one
 * renewal always has the same id and end. An access token that would not fit into a cookie says `roles_by_reference` in place
 * of roles and groups: auth tells its verifiers what they are.
 * @throws {AppError} `session_ended` in the session's last second; `unavailable` while it is not known which key signs.
 */
export type IssueTokens = (
  session: TokenSession,
  holder: Holder,
  generation: number,
  renewal?: TokenRenewal,
) => Promise<IssuedTokens>;

interface TokenIssuerDeps {
  readonly keys: Keys;
  readonly issuer: string;
  readonly audience: string;
  readonly accessTokenSeconds: number;
  readonly clock: Clock;
}

/** Makes the issuer of tokens. */
export function createTokenIssuer({ keys, accessTokenSeconds, clock, ...names }: TokenIssuerDeps): IssueTokens {
  return async (session, holder, generation, renewal) => {
    const now = clock.wall();
    const sessionRemainingSeconds = Math.floor((session.endsAt - now) / 1000);
    if (sessionRemainingSeconds < 1) throw new AppError("session_ended", "the session has ended; log in again");
    const issuedAt = Math.floor((renewal?.issuedAt ?? now) / 1000);
    const expiresAt = Math.min(issuedAt + accessTokenSeconds, Math.floor(now / 1000) + sessionRemainingSeconds);
    const expiresInSeconds = expiresAt - Math.floor(now / 1000);
    const { kid, alg, key } = keys.signing;
    const purpose = renewal?.purpose === "stream" ? { purpose: STREAM_PURPOSE } : {};
    const jti = renewal === undefined ? randomUUID() : renewalId(session.sid, generation, renewal, keys.refresh[0]);
    const sign = (rights: Record<string, unknown>): Promise<string> =>
      new SignJWT({ ...claimsOf(session), ...purpose, ...rights })
        .setProtectedHeader({ alg, typ: ACCESS_TOKEN_TYPE, kid })
        .setIssuer(names.issuer)
        .setAudience(names.audience)
        .setSubject(session.subject)
        .setIssuedAt(issuedAt)
        .setExpirationTime(expiresAt)
        .setJti(jti)
        .sign(key);
    const whole = await sign(rightsOf(holder));
    const accessToken = whole.length > MAX_CHARACTERS ? await sign({ roles_by_reference: true }) : whole;
    const refreshToken = formatRefreshToken({ family: session.sid, generation }, keys.refresh[0]);
    const scope = session.scope && formatScope(session.scope);
    return { accessToken, expiresInSeconds, refreshToken, sid: session.sid, scope, sessionRemainingSeconds };
  };
}

/** A renewal's token id. Nobody without the key can make one. */
function renewalId(sid: string, generation: number, { issuedAt, purpose }: TokenRenewal, key: Uint8Array): string {
  return macOf(`jti.${sid}.${generation}.${issuedAt}.${purpose}`, key).slice(0, 22);
}

/** The claims that come from the session (RFC 9068, section 2.2, and ours). */
function claimsOf({ clientId, sid, tenant, loginAt, scope, contextId }: TokenSession): Record<string, unknown> {
  const limit = scope === undefined ? {} : { scope: formatScope(scope) };
  const bound = contextId === undefined ? {} : { context_id: contextId };
  return { client_id: clientId, sid, tenant_id: tenant, login_at: loginAt, ...limit, ...bound };
}

function rightsOf({ roles, groups }: Holder): Record<string, unknown> {
  return { ...(roles.length > 0 ? { roles } : {}), ...(groups.length > 0 ? { groups } : {}) };
}
