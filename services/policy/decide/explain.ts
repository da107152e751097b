import { type ConsideredRule, considerRules, winnerOf } from "./consider-rules.ts";
import { decide } from "./decide.ts";
import type { Question } from "../document/question-fields.ts";
import { askedBy } from "./decide-question.ts";
import { type DecidedEvent, EVERY_EVENT } from "./fill-rule.ts";
import { decodeGrant } from "./grant.ts";
import { isWithinScope } from "./is-within-scope.ts";
import { resolveSubject, type Subject } from "./resolve-subject.ts";
import { roleSources } from "./role-sources.ts";
import type { Snapshot } from "./snapshot.ts";

/** A role that a subject has, and how it comes by it. */
export interface RoleSource {
  readonly role: string;
  readonly via: readonly string[];
}

/** A decision with all that led to it. */
export interface Explanation {
  readonly allow: boolean;
  /** The permission that was needed; null where neither the event map nor a route knows one. */
  readonly permission: string | null;
  /** The topic or topic pattern that decided; null where every event was asked about. */
  readonly topic: string | null;
  /** The rule that the decision follows; null where none holds, which denies. */
  readonly rule: Pick<ConsideredRule, "role" | "effect" | "rule"> | null;
  readonly because: string;
  readonly roles: readonly RoleSource[];
  /** The rules about the permission that the subject has: the first 256 of them, with the one that decides. */
  readonly considered: readonly (ConsideredRule & RoleSource)[];
  /** How many there are beyond those. */
  readonly more: number;
}

/**
 * Decides as `decideQuestion` does, and says why, at `now` in milliseconds since 1970. Where a request is about several
 * topics, the first that is denied is explained, else the first.
 */
export function explain(snapshot: Snapshot, subject: Subject, question: Question, now: number): Explanation {
  const sources = roleSources(snapshot, subject, now);
  const roles = Array.from(sources, ([role, via]) => ({ role, via }));
  const asked = askedBy(snapshot, question);
  if (asked === undefined) {
    const nothing = { permission: null, topic: null, rule: null, considered: [], more: 0 };
    return { allow: false, ...nothing, because: whyNobodyMay(question), roles };
  }
  const { permission, events } = asked;
  const grant = decodeGrant(snapshot, resolveSubject(snapshot, subject, now).id);
  const denied = events.find((event) => !decide(snapshot, grant, permission, event));
  const event = denied ?? events[0] ?? EVERY_EVENT;
  const { considered: rules, more } = considerRules(snapshot, grant, permission, event);
  const considered = rules.map((rule) => ({ ...rule, via: sources.get(rule.role) ?? [] }));
  const isLimited = !isWithinScope(grant.scope, permission, event.topic);
  const winner = isLimited ? undefined : winnerOf(considered);
  return {
    allow: denied === undefined,
    permission,
    topic: event === EVERY_EVENT ? null : event.topic,
    rule: winner === undefined ? null : { role: winner.role, effect: winner.effect, rule: winner.rule },
    because: isLimited ? whyLimited(permission, event) : (winner?.because ?? whyNoneHolds(considered, permission)),
    roles,
    considered,
    more,
  };
}

function whyNobodyMay(question: Question): string {
  if (question.of === "request") return "no route has this method and path, or the path can be read in two ways";
  return "the event map has no permission for this type, which denies it to everybody";
}

function whyLimited(permission: string, event: DecidedEvent): string {
  const on = event === EVERY_EVENT ? "every topic" : event.topic;
  return `the token's scope does not let ${permission} through on ${on}`;
}

function whyNoneHolds(considered: readonly ConsideredRule[], permission: string): string {
  if (considered.length === 0) return `no rule of the subject's roles is about ${permission}`;
  return `none of the subject's rules about ${permission} holds`;
}
