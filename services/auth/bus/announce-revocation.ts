import { jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { SessionEntry } from "#shared/contract/control-entry.ts";
import { sessionControlSubject } from "#shared/contract/tenant-log.ts";
import { appendControl } from "#shared/nats/append-control.ts";
import type { AnnounceRevocation } from "../sessions/revoke-session.ts";

/** Announces revocations in the tenant's log: no event that comes after one there is delivered to the session. */
export function createRevocationAnnouncer(nats: NatsConnection): AnnounceRevocation {
  const js = jetstream(nats);
  return async (tenant, sid) => {
    const entry: SessionEntry = { sid, action: "revoked" };
    await appendControl(js, tenant, sessionControlSubject(tenant), entry);
  };
}
