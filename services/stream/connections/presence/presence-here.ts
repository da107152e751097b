import type { Effort } from "../../access/pattern-trie.ts";
import type { Registration } from "../../access/registration.ts";
import { ListenerList } from "../../presence/listener-list.ts";
import type { PresenceAnswer, PresenceQuestion } from "../../presence/presence-question.ts";
import type { Hub } from "../hub.ts";
import type { Reader } from "../reader.ts";
import type { Tenant } from "../tenant.ts";
import { createTopicListeners } from "./topic-listeners.ts";

/** So much is done in a step, in looks at a stream or at one of its topics: that takes a tenth of a millisecond. */
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
  const topicsOf = createTopicListeners(tenant.rights, question.topic);
  const look = (registration: Registration): readonly string[] => {
    const { id } = registration.identity.subject;
    return question.subject === undefined || id === question.subject ? topicsOf(registration) : [];
  };
  await eachListener(tenant, deps, look, (topics, subject, sinceMs) => list.add(subject, sinceMs, topics));
  return list.answer();
}

/**
 * Visits the streams of a tenant for which `look` finds something, and that can be seen, in steps of the tenant's turns. `look` takes
 * what it does beside one look-up from `effort`.
 */
export async function eachListener<Found>(
  tenant: Tenant,
  { hub, invisible, wallOf }: PresenceHereDeps,
  look: (registration: Registration, effort: Effort) => readonly Found[],
  visit: (found: readonly Found[], subject: string, sinceMs: number) => void,
): Promise<void> {
  await tenant.turns.next();
  let effort: Effort = { left: PER_STEP };
  for (const { tenant: owner, reader } of hub.streams()) {
    if (owner !== tenant || reader.ended) continue;
    const { registration } = reader;
    const found = look(registration, effort);
    if (found.length > 0 && !invisible.has(reader)) {
      visit(found, registration.identity.subject.id, wallOf(reader.openedAt));
    }
    effort.left -= 1;
    if (effort.left > 0) continue;
    effort = { left: PER_STEP };
    await tenant.turns.next();
  }
}
