import { connect, createInbox, type NatsConnection } from "@nats-io/transport-node";
import { hintFor } from "./demo-hint.ts";
import { type BusUser, connectionOptionsOf, natsUrlOfService } from "./nats-url.ts";
import { ScriptError } from "./run-script.ts";

/** A connection as a user who may listen to inboxes of its own alone. */
export interface UserConnection extends NatsConnection {
  /** A subject that this user may listen to, and nobody else uses. */
  inbox(): string;
}

/**
 * Connects to NATS as a service: as `NATS_URL` says, else to the demo's server as the demo's user of that service.
 * @throws {ScriptError} saying where it looked, and which user is needed.
 */
export async function connectBus(service: BusUser, env: NodeJS.ProcessEnv): Promise<UserConnection> {
  const options = connectionOptionsOf(natsUrlOfService(service, env));
  const inboxPrefix = `_INBOX.${options.user}`;
  const nats = await connect({ ...options, inboxPrefix }).catch((error: Error) => {
    const said = `cannot connect to NATS at ${options.servers.join(",")} as ${options.user} (${error.message})`;
    const host = options.servers.length === 1 ? options.servers[0]?.split(":")[0] : undefined;
    throw new ScriptError(`${said}; ${hintFor(host)}NATS_URL says where it is, with the user of ${service}`);
  });
  return Object.assign(nats, { inbox: () => createInbox(inboxPrefix) });
}
