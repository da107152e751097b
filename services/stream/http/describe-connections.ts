import { formatEventId } from "#shared/protocol/event-id.ts";
import type { Hub } from "../connections/hub.ts";

/** The open streams for operators: person, topics, position, and what each waits for. No tokens, no payloads. */
export function describeConnections(hub: Hub, { now }: { readonly now: () => number }): object[] {
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
  }));
}
