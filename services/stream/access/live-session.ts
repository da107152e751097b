import { randomUUID } from "node:crypto";
import type { CallContext } from "#shared/async/call-context.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { PresentClaims, SessionChecker } from "./ports.ts";
import { type Identity, Registration } from "./registration.ts";

/**
 * Asks auth whether a caller's session lives, and answers the person's roles and groups now, where auth knows them.
 * @throws {AppError} `session_ended`, `unavailable`.
 */
export async function requireLiveSession(
  identity: Identity,
  { sessions }: { readonly sessions: SessionChecker },
  context?: CallContext,
): Promise<PresentClaims | undefined> {
  // An id of its own: the answer counts for this call alone.
  const { sessionQuestion } = new Registration(identity, [], `call.${randomUUID()}`);
  const session = await sessions.check(sessionQuestion, context);
  if (session.state === "live") return session.present;
  throw new AppError("session_ended", "the session has ended; log in again");
}
