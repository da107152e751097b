import { inTurns } from "#shared/async/in-turns.ts";
import { MAX_CONNECTIONS_LISTED, type OpenConnection } from "#shared/contract/edge-questions.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { type EventId, formatEventId } from "#shared/protocol/event-id.ts";
import { eventTypeOf, isTopic, topicMatches } from "#shared/protocol/topics.ts";
import type { FindRights } from "#shared/tokens/session-rights.ts";
import { decideQuestion } from "./decide/decide-question.ts";
import { trustedSubject } from "./decide/trusted-subject.ts";
import type { Edges } from "./edges/edges.ts";
import { listConnections } from "./edges/list-connections.ts";
import type { Inspection } from "./events/audit-inspection.ts";
import type { ErasureLog } from "./events/erasure-log.ts";
import type { LoggedMessage } from "./events/event-log.ts";
import type { Snapshots } from "./versions/snapshots.ts";

/** Of how many people it is decided who sees an event. */
const MAX_PEOPLE = 100;

/** Of how many of them auth is asked at once. */
const ASKED_AT_ONCE = 10;

type InspectedLog = Pick<ErasureLog, "describe" | "read" | "lastErasedEntry">;

/** What looking at events needs. */
export interface InspectDeps {
  readonly logs: InspectedLog;
  readonly snapshots: Pick<Snapshots, "atLeast">;
  readonly edges: Edges;
  readonly find: FindRights;
  readonly wall: () => number;
  /** Auth's `iss`. */
  readonly ownIssuer: string;
  /** Told of each payload that is shown, before it is; where it throws, none is shown. */
  readonly onInspected: (inspection: Inspection) => Promise<void>;
}

/** An event as the log has it, whole. */
export interface InspectedEvent {
  readonly id: string;
  readonly at: string;
  readonly topic: string;
  readonly type: string;
  readonly bytes: number;
  /** Null where the headers are more than an event may have. */
  readonly attributes: Readonly<Record<string, string>> | null;
  /** As it was published: no mask is put over it. Null where it is not UTF-8. */
  readonly payload: string | null;
}

/** The way of a look at an event: find it → note who looks → show it. Throws as `findEvent` does, and `unavailable` where the note is not stored. */
export async function inspectEvent(
  deps: InspectDeps,
  id: EventId,
  look: Omit<Inspection, "id">,
): Promise<InspectedEvent> {
  const { topic, message } = await findEvent(deps.logs, look.tenant, id);
  const text = formatEventId(id.epoch, id.position);
  await deps.onInspected({ ...look, id: text });
  const { storedAt, data, isText, attributes } = message;
  return {
    id: text,
    at: new Date(storedAt).toISOString(),
    topic,
    type: eventTypeOf(topic),
    bytes: data.length,
    attributes: attributes ?? null,
    payload: isText ? Buffer.from(data).toString() : null,
  };
}

/** A person who is connected, and an event. */
export interface AudienceMember {
  readonly subject: string;
  /** Open streams of the person, and those of them whose topics the event matches. */
  readonly connections: number;
  readonly matching: number;
  /** Whether the person may see it now. Null where auth does not know them: an outside issuer says what they hold. */
  readonly allowed: boolean | null;
}

/** Who of those who are connected sees an event. */
export interface EventAudience {
  readonly people: readonly AudienceMember[];
  /** More people are connected than are in the list. */
  readonly hasMore: boolean;
  /** An edge has not said whom it holds. */
  readonly partial: boolean;
}

/**
 * The way of the question who sees an event: find it → who is connected → what each of them holds now → decide. Throws as `findEvent`
 * does, and `unavailable` when auth does not answer.
 */
export async function audienceOf(deps: InspectDeps, tenant: string, id: EventId): Promise<EventAudience> {
  const { topic, message } = await findEvent(deps.logs, tenant, id);
  const list = await listConnections(deps.edges, { tenant, after: "", limit: MAX_CONNECTIONS_LISTED });
  const people = [...Map.groupBy(list.connections, ({ subject }) => subject)];
  const snapshot = await deps.snapshots.atLeast(tenant);
  const question = { of: "event", topic, attributes: message.attributes ?? {} } as const;
  const memberOf = async ([subject, connections]: [string, OpenConnection[]]): Promise<AudienceMember> => {
    const matching = connections.filter(({ topics }) => topics.some((each) => topicMatches(each.topic, topic))).length;
    const rights = await deps.find(tenant, subject);
    const claimed = { id: subject, roles: [], groups: [], ...rights, scope: undefined };
    const trusted = trustedSubject(snapshot, claimed, deps.ownIssuer);
    const allowed = rights === undefined ? null : decideQuestion(snapshot, trusted, question, deps.wall());
    return { subject, connections: connections.length, matching, allowed };
  };
  return {
    people: await inTurns(people.slice(0, MAX_PEOPLE), ASKED_AT_ONCE, memberOf),
    hasMore: list.next !== undefined || people.length > MAX_PEOPLE,
    partial: list.partial,
  };
}

/** @throws {AppError} `not_found` where no event has the id any more, `tenant_unknown`, or `unavailable`. */
async function findEvent(
  logs: InspectedLog,
  tenant: string,
  { epoch, position: { seq, tag } }: EventId,
): Promise<{ readonly topic: string; readonly message: LoggedMessage }> {
  const log = await logs.describe(tenant);
  const message = log.epoch === epoch && seq >= log.first ? await logs.read(tenant, seq) : undefined;
  const prefix = `events.${tenant}.`;
  if (message?.tag !== tag || !message.subject.startsWith(prefix)) {
    throw new AppError("not_found", "the log keeps no event of that id");
  }
  const topic = message.subject.slice(prefix.length);
  // What is announced as erased may not be purged yet. Erasures before the last one are.
  const { entry } = await logs.lastErasedEntry(tenant);
  const isNamed =
    entry !== undefined &&
    ("ids" in entry ? entry.ids.includes(formatEventId(epoch, { seq, tag })) : topicMatches(entry.subject, topic));
  if (isNamed && seq <= entry.through) throw new AppError("not_found", "the event is erased");
  if (!isTopic(topic)) throw new AppError("not_found", "its subject is not a topic: nobody is shown it");
  return { topic, message };
}
