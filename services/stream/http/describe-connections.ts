import { formatEventId } from "#shared/protocol/event-id.ts";
import type { Hub } from "../connections/hub.ts";
import { isIdle, type Lifetimes } from "../connections/lifetimes.ts";

/** The open streams for operators: person, topics, position, what each waits for, and whether it is idle. No tokens, no payloads. */
export function describeConnections(
  hub: Hub,
  { now, lifetimes }: { readonly now: () => number; readonly lifetimes: Lifetimes },
): object[] {
  return [...hub.streams()].map(({ tenant, reader }) => ({
    id: reader.ids.connectionId,
    requestId: reader.ids.requestId,
    tenant: tenant.id,
    subject: reader.registration.identity.subject.id,
    topics: reader.registration.topicGrants,
    state: reader.isLive ? "live" : "behind",
    waitsFor: reader.wait?.for ?? null,
    lastId: formatEventId(tenant.log.epoch, reader.cursor),
    horizon: formatEventId(tenant.log.epoch, tenant.log.horizon),
    openForSeconds: Math.round((now() - reader.openedAt) / 1_000),
    quietForSeconds: Math.round((now() - reader.lastActiveAt) / 1_000),
    idle: isIdle(reader, now(), lifetimes),
  }));
}
