import { jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { SessionEntry } from "#shared/contract/control-entry.ts";
import { sessionControlSubject } from "#shared/contract/tenant-log.ts";
import { appendControl } from "#shared/nats/append-control.ts";
import type { AnnounceChange } from "../sessions/user-change-steps.ts";

/** Announces changed subjects in the tenant's log: events that come after one there are judged by what they hold now. */
export function createChangeAnnouncer(nats: NatsConnection): AnnounceChange {
  const js = jetstream(nats);
  return async (tenant, sub) => {
    const entry: SessionEntry = { sub, action: "changed" };
    await appendControl(js, tenant, sessionControlSubject(tenant), entry);
  };
}
