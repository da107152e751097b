import type { OpenConnection } from "#shared/contract/edge-questions.ts";
import { formatEventId } from "#shared/protocol/event-id.ts";
import type { Stream } from "../hub.ts";
import { isIdle, type Lifetimes } from "../lifetimes.ts";

/** The edge, as far as its streams are described. */
export interface DescribeDeps {
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
  /** A monotonic time as milliseconds since 1970. */
  readonly wallOf: (monotonicMs: number) => number;
  readonly lifetimes: Lifetimes;
}

/** An open stream for operators: whose it is, where it comes from, how far it is, and what it waits for. No token, no payload. */
export function describeStream({ tenant, reader }: Stream, { now, wallOf, lifetimes }: DescribeDeps): OpenConnection {
  const { ids, registration, record, durable, cursor } = reader;
  const { origin, events } = record;
  const { identity, topicGrants } = registration;
  const { epoch, horizon } = tenant.log;
  return {
    id: ids.connectionId,
    requestId: ids.requestId,
    tenant: tenant.id,
    subject: identity.subject.id,
    sid: identity.sid,
    transport: origin?.transport ?? null,
    client: origin?.client ?? null,
    subscription: durable?.key.name ?? null,
    address: origin?.address ?? "",
    userAgent: origin?.userAgent ?? null,
    topics: [...topicGrants],
    state: reader.isLive ? "live" : "behind",
    waitsFor: reader.wait?.for ?? null,
    lastId: formatEventId(epoch, cursor),
    horizon: formatEventId(epoch, horizon),
    openedAt: new Date(wallOf(reader.openedAt)).toISOString(),
    events,
    bytes: reader.connection.bytes,
    quietForSeconds: Math.round((now() - reader.lastActiveAt) / 1_000),
    idle: isIdle(reader, now(), lifetimes),
  };
}
