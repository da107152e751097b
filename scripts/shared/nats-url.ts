import type { ConnectionOptions } from "@nats-io/transport-node";
import { DEMO_PASSWORD, readPasswords } from "../demo-settings.ts";
import { readPort } from "./read-ports.ts";
import { ScriptError } from "./run-script.ts";

/** As whom commands come to the bus. */
export type BusUser = "auth" | "policy" | "backup";

/**
 * Where NATS is, and the user that a service is there: `NATS_URL`, else the demo that `npm start` runs. A URL without a user
 * means the demo's user of that service.
 * @throws {ScriptError} when the variable is no such URL.
 */
export function natsUrlOfService(service: BusUser, env: NodeJS.ProcessEnv): string {
  const { NATS_AUTH_PASSWORD: auth, NATS_POLICY_PASSWORD: policy, NATS_BACKUP_PASSWORD: backup } = readPasswords(env);
  return natsUrlOf("NATS_URL", env, service, { auth, policy, backup }[service]);
}

/**
 * Where NATS is, and the producer of a tenant: `DEMO_NATS_URL`, else `NATS_URL`, else the demo that `npm start` runs. A URL
 * without a user means the demo's producer of that tenant.
 * @throws {ScriptError} when the variable is no such URL.
 */
export function natsUrlOfProducer(tenant: string, env: NodeJS.ProcessEnv): string {
  return natsUrlOf(env["DEMO_NATS_URL"] ? "DEMO_NATS_URL" : "NATS_URL", env, tenant, DEMO_PASSWORD);
}

/** What the client needs to connect by such a URL. */
export function connectionOptionsOf(natsUrl: string): ConnectionOptions & { servers: string; user: string } {
  const { host, username, password, protocol } = new URL(natsUrl);
  const credentials = { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
  return { servers: host, ...credentials, ...(protocol === "tls:" ? { tls: {} } : {}) };
}

function natsUrlOf(variable: string, env: NodeJS.ProcessEnv, user: string, password: string): string {
  const text = env[variable] || `nats://127.0.0.1:${readPort("NATS_PORT", env)}`;
  const url = URL.parse(text);
  if (url === null || !/^(nats|tls):$/.test(url.protocol) || url.host === "" || !isEncoded(url.password)) {
    throw new ScriptError(
      `${variable} must be a URL such as nats://user:password@127.0.0.1:4222, with % written as %25`,
    );
  }
  if (url.username !== "") return text;
  url.username = user;
  url.password = password;
  return url.href;
}

function isEncoded(text: string): boolean {
  return !/%(?![0-9A-Fa-f]{2})/.test(text);
}
