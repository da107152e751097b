import { randomUUID } from "node:crypto";
import { SignJWT } from "jose";
import { ACCESS_TOKEN_TYPE } from "#shared/tokens/access-token.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { Clock } from "#shared/time/clock.ts";
import type { Keys } from "../keys/open-keys.ts";
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
  /** How long the session can still be refreshed. */
  readonly sessionRemainingSeconds: number;
}

/**
 * Issues an access token and the refresh token of that generation. Neither outlives the session. An access token that would
 * not fit into a cookie says `roles_by_reference` in place of roles and groups: auth tells its verifiers what they are.
 * @throws {AppError} `session_ended` in the session's last second; `unavailable` while it is not known which key signs.
 */
export type IssueTokens = (session: TokenSession, holder: Holder, generation: number) => Promise<IssuedTokens>;

interface TokenIssuerDeps {
  readonly keys: Keys;
  readonly issuer: string;
  readonly audience: string;
  readonly accessTokenSeconds: number;
  readonly clock: Clock;
}

/** Makes the issuer of tokens. */
export function createTokenIssuer({ keys, accessTokenSeconds, clock, ...names }: TokenIssuerDeps): IssueTokens {
  return async (session, holder, generation) => {
    const now = clock.wall();
    const sessionRemainingSeconds = Math.floor((session.endsAt - now) / 1000);
    if (sessionRemainingSeconds < 1) throw new AppError("session_ended", "the session has ended; log in again");
    const expiresInSeconds = Math.min(accessTokenSeconds, sessionRemainingSeconds);
    const issuedAt = Math.floor(now / 1000);
    const { kid, alg, key } = keys.signing;
    const sign = (claims: Record<string, unknown>): Promise<string> =>
      new SignJWT({ ...claimsOf(session), ...claims })
        .setProtectedHeader({ alg, typ: ACCESS_TOKEN_TYPE, kid })
        .setIssuer(names.issuer)
        .setAudience(names.audience)
        .setSubject(session.subject)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + expiresInSeconds)
        .setJti(randomUUID())
        .sign(key);
    const whole = await sign(rightsOf(holder));
    const accessToken = whole.length > MAX_CHARACTERS ? await sign({ roles_by_reference: true }) : whole;
    const refreshToken = formatRefreshToken({ family: session.sid, generation }, keys.refresh[0]);
    return { accessToken, expiresInSeconds, refreshToken, sid: session.sid, sessionRemainingSeconds };
  };
}

/** The claims that come from the session (RFC 9068, section 2.2, and ours). */
function claimsOf({ clientId, sid, tenant, loginAt }: TokenSession): Record<string, unknown> {
  return { client_id: clientId, sid, tenant_id: tenant, login_at: loginAt };
}

function rightsOf({ roles, groups }: Holder): Record<string, unknown> {
  return { ...(roles.length > 0 ? { roles } : {}), ...(groups.length > 0 ? { groups } : {}) };
}
