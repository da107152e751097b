import type { AuthTime } from "#shared/tokens/auth-time.ts";
import type { SessionChecker } from "./ports.ts";

/** Answers for sessions of outside issuers, which live as long as their token, and asks `sessions` about all others. */
export function withOutsideSessions(sessions: SessionChecker, time: Pick<AuthTime, "now">): SessionChecker {
  return {
    async check(question, context) {
      if (question.isOutside !== true) return sessions.check(question, context);
      const remainingMs = question.tokenExpiresAt * 1_000 - time.now();
      return remainingMs > 0 ? { state: "live", remainingMs, isFinal: true } : { state: "expired" };
    },
  };
}
