import { type Explanation, explain } from "../decide/explain.ts";
import { maskOf } from "../decide/mask-of.ts";
import type { Snapshot } from "../decide/snapshot.ts";
import { type ClaimedSubject, trustedSubject } from "../decide/trusted-subject.ts";
import type { EventAttributes } from "#shared/contract/event-condition.ts";

/** An explanation of the decision on an event, the version it is by, and what the event is delivered without. */
export interface VersionExplanation extends Explanation {
  readonly version: number;
  /** The fields; null where it is not delivered. */
  readonly mask: readonly string[] | null;
}

/** Who asks about which event. */
export interface Asking {
  readonly subject: ClaimedSubject;
  readonly ownIssuer: string;
  readonly topic: string;
  readonly attributes: EventAttributes;
}

/** Explains a version's decision, at a time in milliseconds since 1970. */
export function explainBy(
  snapshot: Snapshot,
  { subject, ownIssuer, topic, attributes }: Asking,
  at: number,
): VersionExplanation {
  const trusted = trustedSubject(snapshot, subject, ownIssuer);
  const explanation = explain(snapshot, trusted, { of: "event", topic, attributes }, at);
  const mask = explanation.allow ? maskOf(snapshot, trusted, { topic, attributes }, at) : null;
  return { version: snapshot.version.number, ...explanation, mask };
}
