import { inTurns } from "#shared/async/in-turns.ts";
import type { SessionIndex, SessionRecord } from "./session.ts";

/** Whose sessions end, and which of them; all by default. */
export interface EndedSessions {
  readonly tenant: string;
  readonly subject: string;
  readonly isMeant?: (session: SessionRecord) => boolean;
}

const ENDED_AT_ONCE = 20;

/**
 * Ends the live sessions of a subject that are meant, also where one look at the index, a thousand, does not show all.
 * @throws {AppError} what `end` throws: then some are ended, and trying again is right.
 */
export async function endSessions(
  sessions: Pick<SessionIndex, "ofSubject">,
  { tenant, subject, isMeant = () => true }: EndedSessions,
  end: (session: SessionRecord) => Promise<unknown>,
): Promise<void> {
  // The index may still show one whose end was recorded before, and not noted there.
  const ended = new Set<string>();
  let passed = 0;
  for (;;) {
    const live = await sessions.ofSubject(tenant, subject, passed);
    if (live.length === 0) return;
    const left = live.filter((session) => isMeant(session) && !ended.has(session.sid));
    await inTurns(left, ENDED_AT_ONCE, end);
    for (const { sid } of left) ended.add(sid);
    passed += live.length - left.length;
  }
}
