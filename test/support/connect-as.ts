import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { NatsServer, NatsUser } from "./start-nats.ts";

/** Connects as a user of infra/nats/nats.conf does: a service has an inbox of its own, and producers have the common one. */
export function connectAs(server: Pick<NatsServer, "url">, user: NatsUser): Promise<NatsConnection> {
  const { host, password: pass } = new URL(server.url(user));
  const isProducer = user === "demo" || user === "rival";
  return connect({ servers: host, user, pass, ...(isProducer ? {} : { inboxPrefix: `_INBOX.${user}` }) });
}
