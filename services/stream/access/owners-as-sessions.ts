import type { PresentClaims, SessionChecker } from "./ports.ts";

/** How long an answer counts. A change of the person is told by the log at once; this bounds what is told to nobody. */
const ANSWER_COUNTS_MS = 60_000;

/** Finds a person's rights now; undefined where auth does not know them, or not any more. Throws AppError `unavailable`. */
type FindPerson = (person: { readonly tenant: string; readonly subject: string }) => Promise<PresentClaims | undefined>;

/** Answers for people who are not connected as if each had a session that lives as long as auth knows them. */
export function ownersAsSessions(find: FindPerson): SessionChecker {
  return {
    async check({ tenant, subject }) {
      const present = await find({ tenant, subject });
      if (present === undefined) return { state: "revoked" };
      return { state: "live", remainingMs: ANSWER_COUNTS_MS, isFinal: false, present };
    },
  };
}
