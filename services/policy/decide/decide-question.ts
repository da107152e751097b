import { eventTypeOf, patternCovers, patternsOverlap, topicMatches } from "#shared/contract/topics.ts";
import { decide } from "./decide.ts";
import { decodeGrant, type Grant } from "./grant.ts";
import { residualOf } from "./residual.ts";
import { resolveSubject, type Subject } from "./resolve-subject.ts";
import type { Snapshot } from "./snapshot.ts";

/** What somebody outside asks: may this subject have a permission, see events of a topic, make a request? */
export type Question =
  | { readonly of: "permission"; readonly permission: string }
  | { readonly of: "topic"; readonly topic: string }
  | { readonly of: "request"; readonly method: string; readonly path: string };

/** What a question comes down to: a permission on whatever happens under each of these topic patterns; none: on everything. */
export interface Asked {
  readonly permission: string;
  readonly topics: readonly string[];
}

/** Whether the subject may; what neither the event map nor a route knows is denied. */
export function decideQuestion(snapshot: Snapshot, subject: Subject, question: Question): boolean {
  const asked = askedBy(snapshot, question);
  if (asked === undefined) return false;
  const grant = decodeGrant(snapshot, resolveSubject(snapshot, subject).id);
  if (asked.topics.length === 0) return decide(snapshot, grant, asked.permission);
  return asked.topics.every((topic) => decideUnder(snapshot, grant, asked.permission, topic));
}

/** What a question comes down to by the event map and the routes of this version; undefined where they do not know it. */
export function askedBy({ document, matchRoute }: Snapshot, question: Question): Asked | undefined {
  switch (question.of) {
    case "permission":
      return { permission: question.permission, topics: [] };
    case "topic": {
      const type = eventTypeOf(question.topic);
      const rule = document.events.find(({ pattern }) => topicMatches(pattern, type));
      return rule && { permission: rule.permission, topics: [question.topic] };
    }
    case "request": {
      const match = matchRoute(question.method, question.path);
      return match && { permission: match.permission, topics: match.about };
    }
  }
}

function decideUnder(snapshot: Snapshot, grant: Grant, permission: string, pattern: string): boolean {
  const { allow, deny } = residualOf(snapshot, grant, permission);
  return allow.some((wider) => patternCovers(wider, pattern)) && !deny.some((each) => patternsOverlap(each, pattern));
}
