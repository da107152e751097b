import { MAX_TOPICS_CHARACTERS } from "#shared/contract/connection-log.ts";
import { formatEventId } from "#shared/protocol/event-id.ts";
import type { Registration, TopicGrant } from "../access/registration.ts";
import { areSameTopics } from "../access/share-topic-lists.ts";
import type { Position } from "../event.ts";
import type { ConnectionRecord } from "../observe/connection-record.ts";
import type { Observer, StreamFacts, StreamIds } from "../observe/observer.ts";
import type { StreamEnd } from "./end-stream.ts";
import type { StreamOrigin } from "./stream-origin.ts";

/** A tenant, as far as its streams are recorded. */
interface RecordedTenant {
  readonly id: string;
  readonly log: { readonly epoch: string };
}

/** A reader, as far as it is recorded. */
interface RecordedReader {
  readonly ids: StreamIds;
  readonly registration: Registration;
  readonly durable: { readonly key: { readonly name: string } } | undefined;
  readonly cursor: Position;
  readonly openedAt: number;
  readonly connection: { readonly bytes: number };
  readonly endedBy: StreamEnd | undefined;
  readonly record: StreamRecord;
}

/** What is remembered of a stream for lines, the connection log and operators. */
export interface StreamRecord {
  /** What its request said of the client; undefined for a stream that no request asked for. */
  origin: StreamOrigin | undefined;
  /** Delivery began behind it. */
  readonly start: Position;
  /** The events that were written, each time that they were. */
  events: number;
  /** Whether the line about its beginning is written. */
  hasBegun: boolean;
  /** The topics that the connection log was given last. */
  inForce: TopicsInForce;
}

/** The record of a stream that begins behind `start`. */
export function beginRecord(registration: Registration, start: Position): StreamRecord {
  return { origin: undefined, start, events: 0, hasBegun: false, inForce: topicsInForce(registration) };
}

/** Topics and those of them that are granted, as lists that streams share: to remember them costs nothing. */
interface TopicsInForce {
  readonly topics: readonly string[];
  readonly live: readonly string[];
}

function topicsInForce({ topics, liveTopics: live }: Registration): TopicsInForce {
  return { topics, live };
}

/** Whether the same is asked for and granted. */
function isSame(one: TopicsInForce, other: TopicsInForce): boolean {
  return areSameTopics(one.topics, other.topics) && areSameTopics(one.live, other.live);
}

/** What the lines about a stream say of it, by its present registration. */
export function factsOf({ ids, registration, record }: RecordedReader): StreamFacts {
  const { tenant, subject, sid, kid } = registration.identity;
  const { client: clientId, transport } = record.origin ?? {};
  return { ...ids, tenant, subject: subject.id, sid, transport, clientId, kid, issuer: subject.issuer };
}

/** Tells once that a stream has begun; with `caughtUpMs` where it is at the end of its log. */
export function reportBeginning(
  tenant: RecordedTenant,
  reader: RecordedReader,
  observer: Pick<Observer, "began">,
  caughtUpMs?: number,
): void {
  const { record } = reader;
  if (record.hasBegun) return;
  record.hasBegun = true;
  const { durable, cursor } = reader;
  const { origin, start } = record;
  observer.began({
    ...factsOf(reader),
    subscription: durable?.key.name,
    address: origin?.address,
    userAgent: origin?.userAgent,
    traceId: origin?.traceId,
    resumedFrom: origin?.isResumed === true ? formatEventId(tenant.log.epoch, start) : undefined,
    ...(caughtUpMs !== undefined && { caughtUpMs: Math.round(caughtUpMs), caughtUpEntries: cursor.seq - start.seq }),
  });
}

/** What the connection log keeps of a stream that has begun. */
export function openedRecord(tenant: RecordedTenant, reader: RecordedReader): ConnectionRecord {
  const { ids, registration, durable } = reader;
  const { origin, start } = reader.record;
  return {
    event: "opened",
    ...commonOf(tenant, reader),
    sid: registration.identity.sid,
    requestId: ids.requestId,
    ...(origin?.traceId && { traceId: origin.traceId }),
    ...(origin && { transport: origin.transport }),
    ...(origin?.client && { client: origin.client }),
    ...(durable && { subscription: durable.key.name }),
    address: origin?.address ?? "",
    ...(origin?.userAgent && { userAgent: origin.userAgent }),
    ...topicsOf(registration.topicGrants),
    from: formatEventId(tenant.log.epoch, start),
    isResumed: origin?.isResumed === true,
  };
}

/** Records the topics of a stream behind a position. A rebind sends the same ones again, which are not worth an entry. */
export function recordTopics(
  tenant: RecordedTenant,
  reader: RecordedReader,
  observer: Pick<Observer, "recorded">,
  from: Position,
): void {
  const inForce = topicsInForce(reader.registration);
  if (isSame(inForce, reader.record.inForce)) return;
  reader.record.inForce = inForce;
  observer.recorded({
    event: "changed",
    ...commonOf(tenant, reader),
    ...topicsOf(reader.registration.topicGrants),
    from: formatEventId(tenant.log.epoch, from),
  });
}

/** The same of a stream that is over, at the monotonic time `now`. */
export function endedRecord(tenant: RecordedTenant, reader: RecordedReader, now: number): ConnectionRecord {
  return {
    event: "ended",
    ...commonOf(tenant, reader),
    reason: reader.endedBy?.reason ?? "gone",
    livedMs: Math.max(0, now - reader.openedAt),
    through: formatEventId(tenant.log.epoch, reader.cursor),
    events: reader.record.events,
    bytes: reader.connection.bytes,
  };
}

function commonOf({ id: tenant }: RecordedTenant, { ids, registration }: RecordedReader) {
  return { tenant, subject: registration.identity.subject.id, connectionId: ids.connectionId };
}

/** As many topics as there is room for, and the number of the others. */
function topicsOf(grants: readonly TopicGrant[]) {
  let characters = 0;
  const topics = grants.filter(({ topic }) => (characters += topic.length) <= MAX_TOPICS_CHARACTERS);
  const topicsLeftOut = grants.length - topics.length;
  return { topics, ...(topicsLeftOut > 0 && { topicsLeftOut }) };
}
