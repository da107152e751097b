import { within } from "#shared/async/within.ts";
import { toAppError } from "#shared/errors/app-error.ts";
import type { LimitedLog } from "#shared/log/limit-lines.ts";
import type { Clock } from "#shared/time/clock.ts";
import type { Audit } from "../audit/audit.ts";
import type { Keys } from "../keys/open-keys.ts";
import type { IssueTokens } from "../tokens/issue-tokens.ts";
import { parseRefreshToken, type RefreshToken } from "../tokens/refresh-token.ts";
import type { FindSubject } from "../users/user-directory.ts";
import { endFamily } from "./end-family.ts";
import type { RevokeSession } from "./revoke-session.ts";
import {
  RENEWAL_MARGIN_MS,
  type RenewalPurpose,
  type Revocations,
  type Session,
  type SessionStore,
} from "./session.ts";

/** A new access token of a session, and how long that can last. */
export interface RenewedAccess {
  readonly accessToken: string;
  readonly sessionRemainingSeconds: number;
}

/**
 * A renewal; `reused` where the refresh token was spent before and its family has ended, `unavailable` where that end is not recorded yet;
 * `refused` for any other that is not good.
 */
export type Renewal = RenewedAccess | "reused" | "unavailable" | "refused";

/**
 * Issues an access token for a refresh token that could be used right now, without using it. A generation gets one token a
 * minute for each purpose; who asks again within it is given the same one: tabs that come back at once need no more, and
 * whoever has a copy of the refresh token cannot collect access tokens unnoticed.
 * @throws {AppError} `unavailable` when that cannot be found out.
 */
export type RenewAccess = (refreshToken: string, purpose: RenewalPurpose) => Promise<Renewal>;

interface RenewAccessDeps {
  readonly sessions: Pick<SessionStore, "renew">;
  readonly revocations: Pick<Revocations, "includes">;
  readonly findSubject: FindSubject;
  readonly revoke: RevokeSession;
  readonly issueTokens: IssueTokens;
  readonly keys: Pick<Keys, "refresh">;
  readonly accessTokenSeconds: number;
  readonly audit: Pick<Audit, "note">;
  readonly clock: Clock;
  readonly log: LimitedLog;
}

/** For how long one renewal is given again; half of a token's life where that is shorter, so that what is given is still good. */
const AGAIN_MS = 60_000;

/** How long the end of a family is waited for: those who ask in the same call wait as well. It goes on behind that. */
const END_MS = 500;

/** How far the clocks of two auth processes may differ. */
const CLOCKS_DIFFER_MS = 5_000;

/** Makes the renewal of a handshake: nothing is rotated, so that the browser stays the only one who does. */
export function createAccessRenewal(deps: RenewAccessDeps): RenewAccess {
  return async (refreshToken, purpose) => {
    try {
      return await renew(deps, parseRefreshToken(refreshToken, deps.keys.refresh), purpose);
    } catch (error) {
      if (["token_invalid", "session_ended"].includes(toAppError(error).code)) return "refused";
      throw error;
    }
  };
}

async function renew(deps: RenewAccessDeps, token: RefreshToken, purpose: RenewalPurpose): Promise<Renewal> {
  const againMs = Math.min(AGAIN_MS, deps.accessTokenSeconds * 500);
  const standing = await deps.sessions.renew(token.family, token.generation, { purpose, againMs });
  if (standing.verdict === "reused") return endInTime(deps, standing.session);
  if (standing.verdict !== "current" && standing.verdict !== "repeated") return "refused";
  // A Redis that lost its tail may take an ended session for a live one. The revocations never do.
  const { tenant, sid, subject, loginAt } = standing.session;
  if (await deps.revocations.includes(tenant, sid, loginAt)) return "refused";
  const holder = deps.findSubject(tenant, subject);
  if (holder === undefined) return "refused";
  const renewal = { issuedAt: plausible(standing.issuedAt, againMs, deps.clock), purpose };
  const tokens = await deps.issueTokens(standing.session, holder, token.generation, renewal);
  if (tokens.sessionRemainingSeconds * 1_000 < RENEWAL_MARGIN_MS) return "refused";
  if (standing.isNew) deps.audit.note({ event: "renewed", tenant, subject, sid, purpose });
  return { accessToken: tokens.accessToken, sessionRemainingSeconds: tokens.sessionRemainingSeconds };
}

/** Ends a family. Where that is not recorded in time, the same token that comes again ends it again. */
async function endInTime(deps: RenewAccessDeps, session: Session): Promise<"reused" | "unavailable"> {
  const ending = endFamily(deps, session, {}).then(
    () => "reused" as const,
    (error: unknown) => {
      if (toAppError(error).code !== "unavailable") throw error;
      return "unavailable" as const;
    },
  );
  return (await within(END_MS, ending)) ? ending : "unavailable";
}

/** The time that Redis keeps decides how long a token lives, so it must be one of the last minute. */
function plausible(issuedAt: number, againMs: number, clock: Clock): number {
  const now = clock.wall();
  const isRecent = issuedAt <= now + CLOCKS_DIFFER_MS && issuedAt >= now - againMs - CLOCKS_DIFFER_MS;
  return isRecent ? Math.min(issuedAt, now) : now;
}
