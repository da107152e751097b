import { connect, type NatsConnection } from "@nats-io/transport-node";
import { DEFAULT_PORTS } from "../demo-settings.ts";
import { ScriptError } from "./run-script.ts";

/** Connects to NATS as `NATS_URL` says, else to the demo's server as the demo's user of that service. */
export async function connectBus(service: "auth" | "policy"): Promise<NatsConnection> {
  const port = process.env["NATS_PORT"] ?? DEFAULT_PORTS.NATS_PORT;
  const { host, username, password } = new URL(
    process.env["NATS_URL"] ?? `nats://${service}:sluice-demo-${service}@127.0.0.1:${port}`,
  );
  const user = decodeURIComponent(username);
  const credentials = { user, pass: decodeURIComponent(password), inboxPrefix: `_INBOX.${user}` };
  return connect({ servers: host, ...credentials }).catch((error: Error) => {
    throw new ScriptError(`cannot connect to NATS at ${host} (${error.message}); set NATS_URL to the user ${service}`);
  });
}
