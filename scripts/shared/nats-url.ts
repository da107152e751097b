import type { ConnectionOptions } from "@nats-io/transport-node";
import { formatAddress, parseServerUrls } from "#shared/config/server-urls.ts";
import { DEMO_PASSWORD, readPasswords } from "../demo-settings.ts";
import { readPort } from "./read-ports.ts";
import { ScriptError } from "./run-script.ts";

const SCHEMES = { nats: 4222, tls: 4222 };

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

/** What the client needs to connect by such a URL, which may name several servers of a cluster. */
export function connectionOptionsOf(
  natsUrl: string,
): Omit<ConnectionOptions, "servers"> & { servers: string[]; user: string } {
  const { scheme, user = "", password = "", servers } = parseServerUrls(natsUrl, SCHEMES);
  const tls = scheme === "tls" ? { tls: {} } : {};
  return { servers: servers.map(formatAddress), user, pass: password, ...tls };
}

function natsUrlOf(variable: string, env: NodeJS.ProcessEnv, user: string, password: string): string {
  const text = env[variable] || `nats://127.0.0.1:${readPort("NATS_PORT", env)}`;
  try {
    const named = parseServerUrls(text, SCHEMES).user !== undefined;
    return named ? text : text.replace("://", `://${encodeURIComponent(user)}:${encodeURIComponent(password)}@`);
  } catch {
    throw new ScriptError(
      `${variable} must be a URL such as nats://user:password@127.0.0.1:4222, with % written as %25`,
    );
  }
}
