import { AppError } from "#shared/errors/app-error.ts";
import type { LimitedLog } from "#shared/log/limit-lines.ts";
import type { RevokeSession } from "./revoke-session.ts";
import type { Session } from "./session.ts";

interface EndFamilyDeps {
  readonly revoke: RevokeSession;
  readonly log: LimitedLog;
}

/**
 * Ends a session whose spent refresh token came back: somebody has a copy of it. Answers the refusal.
 * @throws {AppError} `unavailable` when the end could not be recorded.
 */
export async function endFamily(
  { revoke, log }: EndFamilyDeps,
  session: Session,
  origin: { readonly address?: string },
): Promise<AppError> {
  const { tenant, sid, subject } = session;
  log.write("warn", "spent token", { tenant, sid, subject }, "a spent refresh token came back; its session is revoked");
  await revoke(session, { reason: "reused", ...origin });
  return new AppError("token_reused", "the refresh token was used before; the session has ended");
}
