import { randomBytes } from "node:crypto";
import type { Clock } from "#shared/time/clock.ts";
import type { Session, SessionStore } from "./session.ts";

/** Starts a session that lasts so many seconds at most, and stores it; throws AppError `unavailable` when it cannot. */
export async function startSession(
  { sessions, clock }: { readonly sessions: SessionStore; readonly clock: Clock },
  who: Pick<Session, "tenant" | "subject" | "clientId" | "device">,
  lifeSeconds: number,
): Promise<Session> {
  const now = clock.wall();
  const session: Session = {
    sid: randomBytes(16).toString("base64url"),
    ...who,
    loginAt: new Date(now).toISOString(),
    endsAt: now + lifeSeconds * 1000,
  };
  await sessions.create(session);
  return session;
}
