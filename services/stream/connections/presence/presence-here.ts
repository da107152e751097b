import { ListenerList } from "../../presence/listener-list.ts";
import { isListable, type Present } from "../../presence/presence-news.ts";
import type { PresenceAnswer, PresenceQuestion } from "../../presence/presence-question.ts";
import type { Hub } from "../hub.ts";
import type { Reader } from "../reader.ts";
import { TopicListeners } from "./topic-listeners.ts";

/** So many streams are looked at in a step: that takes a tenth of a millisecond, or a whole one where each has topics of its own. */
const PER_STEP = 500;

/** The edge, as far as it says who listens. */
export interface PresenceHereDeps {
  readonly hub: Pick<Hub, "streams" | "tenant">;
  /** Streams that do not want to be seen. */
  readonly invisible: Pick<WeakSet<Reader>, "has">;
  /** A monotonic time as milliseconds since 1970. */
  readonly wallOf: (monotonicMs: number) => number;
}

/** Answers a question by the streams of this worker. */
export async function answerHere(question: PresenceQuestion, deps: PresenceHereDeps): Promise<PresenceAnswer> {
  const list = new ListenerList(question);
  const tenant = deps.hub.tenant(question.tenant);
  if (tenant === undefined) return list.answer();
  const isAsked = (subject: string): boolean => question.subject === undefined || subject === question.subject;
  await eachListener(new TopicListeners(tenant, question.topic), isAsked, deps, (subject, sinceMs, topics) => {
    list.add(subject, sinceMs, topics);
  });
  return list.answer();
}

/** Who listens here: people, or no more than their connections where they are too many to be listed. */
export async function presentHere(
  listeners: TopicListeners | undefined,
  wasListed: boolean,
  deps: PresenceHereDeps,
): Promise<Present> {
  const people = new Map<string, number>();
  let devices = 0;
  if (listeners === undefined) return { people, devices };
  await eachListener(listeners, isAnybody, deps, (subject, sinceMs) => {
    devices += 1;
    const known = people.get(subject);
    // One more than may be listed shows that they are too many.
    if (known !== undefined || isListable(people.size, wasListed)) {
      people.set(subject, Math.min(sinceMs, known ?? sinceMs));
    }
  });
  return { people: isListable(people.size, wasListed) ? people : undefined, devices };
}

function isAnybody(): boolean {
  return true;
}

/** Visits every stream by which somebody of these people listens, in steps of the tenant's turns. */
async function eachListener(
  listeners: TopicListeners,
  isAsked: (subject: string) => boolean,
  { hub, invisible, wallOf }: PresenceHereDeps,
  visit: (subject: string, sinceMs: number, topics: readonly string[]) => void,
): Promise<void> {
  const { tenant } = listeners;
  await tenant.turns.next();
  let looked = 0;
  for (const { tenant: owner, reader } of hub.streams()) {
    if (owner !== tenant || reader.ended || invisible.has(reader)) continue;
    looked += 1;
    if (looked % PER_STEP === 0) await tenant.turns.next();
    const { registration } = reader;
    const subject = registration.identity.subject.id;
    const topics = isAsked(subject) ? listeners.topicsOf(registration) : [];
    if (topics.length > 0) visit(subject, wallOf(reader.openedAt), topics);
  }
}
