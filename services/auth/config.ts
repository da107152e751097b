import { z } from "zod";
import { type BootLog, commonSettings, integerSchema, portSchema, readConfig } from "#shared/config/read-config.ts";
import { tracingSettings } from "#shared/config/tracing-settings.ts";
import { grpcAddressSchema } from "#shared/grpc/grpc-address.ts";
import { grpcTlsSettings } from "#shared/grpc/tls-settings.ts";
import { LOOPBACK } from "#shared/http/listen.ts";
import { opsHostsSchema } from "#shared/http/ops-hosts.ts";
import { checkCookieSettings, cookieSettings } from "#shared/http/cookie-settings.ts";
import { originsSchema } from "#shared/http/origin.ts";
import { proxiesSchema } from "#shared/http/client-address.ts";
import { tenantHostsSchema } from "./http/tenant-hosts.ts";
import { signingAlgorithmSchema } from "./keys/key-ring.ts";
import { sessionRedisSettings } from "./sessions/redis-settings.ts";

const DAY_SECONDS = 86_400;

/** No access token lives longer, whatever is set. */
export const MAX_ACCESS_TOKEN_SECONDS = 3_600;

/** The settings of the files for HTTPS with client certificates. */
export const clientTlsFiles = {
  certificate: "AUTH_TLS_CERT_FILE",
  privateKey: "AUTH_TLS_KEY_FILE",
  authorities: "AUTH_TLS_CLIENT_CA_FILE",
} as const;

/** The variables that auth reads. */
export const authSettings = z.object({
  ...commonSettings,
  ...tracingSettings,
  ...grpcTlsSettings,
  ...cookieSettings,
  AUTH_HTTP_PORT: portSchema.default(8081),
  AUTH_GRPC_PORT: portSchema.default(7001),
  AUTH_OPS_PORT: portSchema.default(8091),
  /** The address of gRPC; another than loopback needs TLS, or `GRPC_PLAINTEXT=allow`. */
  AUTH_GRPC_BIND_ADDRESS: z.string().default(LOOPBACK),
  AUTH_OPS_BIND_ADDRESS: z.string().default(LOOPBACK),
  /** Names by which the operations port may be asked; addresses and localhost may be used anyway. */
  AUTH_OPS_ALLOWED_HOSTS: opsHostsSchema,
  /** Where the API is served over HTTPS to clients with certificates; without it and the three files, nowhere. */
  AUTH_TLS_PORT: portSchema.optional(),
  /** The certificate of that port and what leads from it to an authority, in PEM; all three are read again when they change. */
  AUTH_TLS_CERT_FILE: z.string().optional(),
  AUTH_TLS_KEY_FILE: z.string().optional(),
  /** The authorities whose certificates for service clients are believed. */
  AUTH_TLS_CLIENT_CA_FILE: z.string().optional(),
  AUTH_BIND_ADDRESS: z.string().default(LOOPBACK),
  /** The `iss` of every token; the URL at which outsiders reach this service. */
  AUTH_ISSUER: z.url({ protocol: /^https?$/, error: "must be an http or https URL" }).default("http://localhost:8081"),
  AUTH_AUDIENCE: z.string().min(1).default("sluice"),
  /** A YAML file of users; `sluice hash-password` makes the password hashes in it. */
  AUTH_USERS_FILE: z.string(),
  /** A YAML file of service clients, which get tokens by `client_credentials`; without it there are none. */
  AUTH_CLIENTS_FILE: z.string().optional(),
  AUTH_ALLOWED_ORIGINS: originsSchema,
  AUTH_ACCESS_TOKEN_SECONDS: integerSchema(1, MAX_ACCESS_TOKEN_SECONDS).default(300),
  /** How long a login lasts at most, however often it is refreshed. */
  AUTH_SESSION_SECONDS: integerSchema(2, 30 * DAY_SECONDS).default(DAY_SECONDS / 2),
  /** What new keys sign with; auth processes of one installation must agree. */
  AUTH_SIGNING_ALGORITHM: signingAlgorithmSchema.default("ES256"),
  /** How long a key signs. */
  AUTH_KEY_ROTATION_SECONDS: integerSchema(60, 3_650 * DAY_SECONDS).default(30 * DAY_SECONDS),
  /** How long a key is published before it signs. Verifiers look again for an unknown key after 10 s: less would refuse good tokens. */
  AUTH_KEY_PUBLISH_SECONDS: integerSchema(12, DAY_SECONDS).default(600),
  /** What encrypts the stored keys: 32 bytes in base64, here or in a file. Only the demo does without. */
  AUTH_KEY_ENCRYPTION_KEY: z.string().optional(),
  AUTH_KEY_ENCRYPTION_KEY_FILE: z.string().optional(),
  /** How long a session lasts without activity: no refresh, no open stream. */
  AUTH_SESSION_IDLE_SECONDS: integerSchema(1, 30 * DAY_SECONDS).default(3_600),
  /** Proxies whose last `X-Forwarded-For` hop is believed: addresses and CIDR ranges, separated by commas. */
  AUTH_TRUSTED_PROXIES: proxiesSchema,
  /** Which tenant logs in at which host: `<host>=<tenant>`, separated by commas; without it each login names its tenant. */
  AUTH_TENANT_HOSTS: tenantHostsSchema,
  /** How much the audit trail keeps, policy's entries too; where it is full the oldest give way. */
  AUTH_AUDIT_MAX_BYTES: integerSchema(1024 * 1024, Number.MAX_SAFE_INTEGER).default(256 * 1024 * 1024),
  /** Who decides about `session:admin`. */
  POLICY_GRPC_URL: grpcAddressSchema.default("127.0.0.1:7002"),
  ...sessionRedisSettings,
});

/** The settings of auth. */
export type AuthConfig = Readonly<z.infer<typeof authSettings>>;

/** Reads auth's settings; throws a BootError that names every wrong one. `log` gets what is set. */
export function readAuthConfig(env: NodeJS.ProcessEnv, log?: BootLog): AuthConfig {
  return readConfig(authSettings.check(checkCookieSettings), env, { log });
}
