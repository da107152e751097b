import { eventTypeOf } from "#shared/protocol/topics.ts";
import type { Question } from "../document/question-fields.ts";
import { decide } from "./decide.ts";
import { type DecidedEvent, EVERY_EVENT } from "./fill-rule.ts";
import { decodeGrant } from "./grant.ts";
import { resolveSubject, type Subject } from "./resolve-subject.ts";
import type { Snapshot } from "./snapshot.ts";

/** What a question comes down to: a permission on each of these events. */
export interface Asked {
  readonly permission: string;
  readonly events: readonly DecidedEvent[];
}

/** Whether the subject may, at `now` in milliseconds since 1970; what neither event map nor routes know is denied. */
export function decideQuestion(snapshot: Snapshot, subject: Subject, question: Question, now: number): boolean {
  const asked = askedBy(snapshot, question);
  if (asked === undefined) return false;
  const grant = decodeGrant(snapshot, resolveSubject(snapshot, subject, now).id);
  return asked.events.every((event) => decide(snapshot, grant, asked.permission, event));
}

/** What a question comes down to by the event map and the routes of this version; undefined where they do not know it. */
export function askedBy({ permissionFor, matchRoute }: Snapshot, question: Question): Asked | undefined {
  switch (question.of) {
    case "permission":
      return { permission: question.permission, events: [EVERY_EVENT] };
    case "event": {
      const permission = permissionFor(eventTypeOf(question.topic));
      return permission === undefined ? undefined : { permission, events: [{ ...question, canBeMasked: true }] };
    }
    case "request": {
      const match = matchRoute(question.method, question.path);
      // A path gives topics, but no attributes of events.
      const events = match?.about.map((topic) => ({ topic, attributes: {} })) ?? [];
      return match && { permission: match.permission, events: events.length === 0 ? [EVERY_EVENT] : events };
    }
  }
}
