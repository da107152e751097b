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
  await eachStream(tenant, deps, ({ registration }, sinceMs) => {
    const { id } = registration.identity.subject;
    if (question.subject !== undefined && id !== question.subject) return 1;
    const topics = topicsOf(registration);
    if (topics.length > 0) list.add(id, sinceMs, topics);
    return 1;
  });
  return list.answer();
}

/**
 * Visits every stream of a tenant that can be seen, in steps of the tenant's turns. A visit answers how much work it was, in looks
 * at a stream.
 */
export async function eachStream(
  tenant: Tenant,
  { hub, invisible, wallOf }: PresenceHereDeps,
  visit: (reader: Reader, sinceMs: number) => number,
): Promise<void> {
  await tenant.turns.next();
  let work = 0;
  for (const { tenant: owner, reader } of hub.streams()) {
    if (owner !== tenant || reader.ended || invisible.has(reader)) continue;
    work += visit(reader, wallOf(reader.openedAt));
    if (work < PER_STEP) continue;
    work = 0;
    await tenant.turns.next();
  }
}
