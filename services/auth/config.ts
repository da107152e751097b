import { z } from "zod";
import {
  type BootLog,
  commonSettings,
  type Config,
  integerSchema,
  portSchema,
  readConfig,
} from "#shared/config/read-config.ts";
import { requireNatsSettings } from "#shared/nats/nats-options.ts";
import { requireRedisSettings } from "#shared/redis/create-redis.ts";
import { requireGrpcSettings } from "#shared/grpc/grpc-security.ts";
import { settingRule } from "#shared/config/setting-rules.ts";
import { tlsFilesOf } from "#shared/tls/tls-material.ts";
import { requireEncryptionKey } from "./keys/encryption-key.ts";
import { tracingSettings } from "#shared/config/tracing-settings.ts";
import { grpcAddressSchema } from "#shared/grpc/grpc-address.ts";
import { type GrpcTlsSettings, grpcTlsSettings } from "#shared/grpc/tls-settings.ts";
import { LOOPBACK } from "#shared/http/listen.ts";
import { OPERATOR_TOKEN, OPERATOR_TOKEN_FAULT } from "#shared/http/operator-tokens.ts";
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
const variables = z.object({
  ...commonSettings,
  ...tracingSettings,
  ...grpcTlsSettings,
  ...cookieSettings,
  AUTH_HTTP_PORT: portSchema.default(8081).describe("the port of the public API"),
  AUTH_GRPC_PORT: portSchema.default(7001).describe("the port of gRPC, for the other services"),
  AUTH_OPS_PORT: portSchema
    .default(8091)
    .describe("the operations port: `/healthz`, `/readyz`, `/metrics`, `/debug/settings`"),
  AUTH_GRPC_BIND_ADDRESS: z
    .string()
    .default(LOOPBACK)
    .describe("the address of gRPC; another than loopback needs mutual TLS, or `GRPC_PLAINTEXT=allow`"),
  AUTH_OPS_BIND_ADDRESS: z
    .string()
    .default(LOOPBACK)
    .describe("the address of the operations port; anybody who reaches it may read what is there"),
  AUTH_OPS_ALLOWED_HOSTS: opsHostsSchema.meta({
    description:
      "names by which the operations port may be asked, with commas; addresses and `localhost` may be used anyway",
    see: "reference/settings-auth.md#addresses",
  }),
  AUTH_TLS_PORT: portSchema.optional().meta({
    description:
      "where the API is served over HTTPS to service clients with certificates; set with the next three, or not at all",
    see: "guides/service-clients.md",
  }),
  AUTH_TLS_CERT_FILE: z
    .string()
    .optional()
    .describe(
      "the certificate of `AUTH_TLS_PORT` for the name that clients call, and what leads from it to an authority, in PEM",
    ),
  AUTH_TLS_KEY_FILE: z.string().optional().describe("the key of the certificate in `AUTH_TLS_CERT_FILE`, in PEM"),
  AUTH_TLS_CLIENT_CA_FILE: z
    .string()
    .optional()
    .describe("the authorities of service clients, in PEM: each of them can make a certificate for every client"),
  AUTH_BIND_ADDRESS: z
    .string()
    .default(LOOPBACK)
    .describe("the address of the public API; `0.0.0.0` opens it to others"),
  AUTH_ISSUER: z
    .url({ protocol: /^https?$/, error: "must be an http or https URL" })
    .default("http://localhost:8081")
    .describe("`iss` of every token: the URL at which outsiders reach auth, the same in all services"),
  AUTH_AUDIENCE: z.string().min(1).default("sluice").describe("`aud` of every token, the same in all services"),
  AUTH_USERS_FILE: z.string().meta({
    description: "a YAML file of users, which is watched; `sluice hash-password` makes the password hashes in it",
    example: "/etc/sluice/users.yaml",
    see: "guides/sessions-and-users.md#how-do-i-add-change-or-disable-a-user",
  }),
  AUTH_CLIENTS_FILE: z.string().optional().meta({
    description: "a YAML file of service clients, which get tokens by `client_credentials`; read at the start",
    see: "guides/service-clients.md",
  }),
  AUTH_ALLOWED_ORIGINS: originsSchema.meta({
    description: "origins of pages of other hosts that may use cookies, with commas",
    example: "https://app.example.com",
    see: "guides/cookies-and-cors.md#which-origins-may-be-listed",
  }),
  AUTH_ACCESS_TOKEN_SECONDS: integerSchema(1, MAX_ACCESS_TOKEN_SECONDS)
    .default(300)
    .describe("how long an access token holds"),
  AUTH_SESSION_SECONDS: integerSchema(2, 30 * DAY_SECONDS)
    .default(DAY_SECONDS / 2)
    .describe("how long a login lasts at most, however often it is refreshed"),
  AUTH_SESSION_IDLE_SECONDS: integerSchema(1, 30 * DAY_SECONDS)
    .default(3_600)
    .describe("how long a session lasts without a refresh and without an open stream"),
  AUTH_SIGNING_ALGORITHM: signingAlgorithmSchema
    .default("ES256")
    .describe(
      "what new keys sign with; after a change the first new key signs once it has been published for long enough. All processes must agree: while they differ, no rotation happens",
    ),
  AUTH_KEY_ROTATION_SECONDS: integerSchema(60, 3_650 * DAY_SECONDS)
    .default(30 * DAY_SECONDS)
    .describe("how long a key signs"),
  // Verifiers look again for an unknown key after 10 s: less would refuse good tokens.
  AUTH_KEY_PUBLISH_SECONDS: integerSchema(12, DAY_SECONDS)
    .default(600)
    .describe("how long a key is published before it signs"),
  AUTH_KEY_ENCRYPTION_KEY: z.string().optional().meta({
    description:
      "what encrypts the stored keys: 32 bytes in base64 (`openssl rand -base64 32`). This or the next must be set; the demo alone has a key of its own, which is public",
    secret: true,
  }),
  AUTH_KEY_ENCRYPTION_KEY_FILE: z
    .string()
    .optional()
    .describe("a file with the key of `AUTH_KEY_ENCRYPTION_KEY`, in place of it; read at the start"),
  AUTH_TRUSTED_PROXIES: proxiesSchema.meta({
    description: "proxies whose last hop of `X-Forwarded-For` is believed: addresses and CIDR ranges, with commas",
    example: "10.0.0.0/8,fd00::/8",
  }),
  AUTH_TENANT_HOSTS: tenantHostsSchema.meta({
    description: "which tenant logs in at which host, with commas; without it each login names its tenant",
    example: "acme.example.com=acme,*.example.org=*",
    see: "guides/tenants.md#how-do-people-log-in-without-naming-their-tenant",
  }),
  AUTH_AUDIT_MAX_BYTES: integerSchema(1024 * 1024, Number.MAX_SAFE_INTEGER)
    .default(256 * 1024 * 1024)
    .meta({
      description: "how large the audit trail may become, with policy's entries; the oldest entries go first",
      see: "guides/audit-trail.md",
    }),
  POLICY_GRPC_URL: grpcAddressSchema
    .default("127.0.0.1:7002")
    .describe(
      "policy's gRPC as `host:port`, or several with commas, which says who is `session:admin`, `audit:admin` and `client:admin`",
    ),
  POLICY_OPERATOR_TOKEN: z.string().regex(OPERATOR_TOKEN, OPERATOR_TOKEN_FAULT).optional().meta({
    description: "policy's operator, who may make and withdraw service clients of every tenant here",
    secret: true,
    see: "operate/operators.md",
  }),
  POLICY_OPERATOR_TOKEN_FILE: z
    .string()
    .optional()
    .describe("a file with tokens of operators, a line `<name>: <token>` each, which is watched"),
  ...sessionRedisSettings,
});

/** The same, with what one asks of others. */
export const authSettings = variables.check(
  checkCookieSettings,
  settingRule(requireNatsSettings),
  settingRule(requireRedisSettings),
  settingRule((settings: GrpcTlsSettings & { readonly AUTH_GRPC_BIND_ADDRESS: string }) =>
    requireGrpcSettings(settings, settings.AUTH_GRPC_BIND_ADDRESS),
  ),
  settingRule((settings: object) => tlsFilesOf({ ...settings }, clientTlsFiles, ["AUTH_TLS_PORT"])),
  settingRule(requireEncryptionKey),
);

/** The settings of auth. */
export type AuthConfig = Config<typeof authSettings>;

/** Reads auth's settings; throws a BootError that names every wrong one. `log` gets what is set. */
export function readAuthConfig(env: NodeJS.ProcessEnv, log?: BootLog): AuthConfig {
  return readConfig(authSettings, env, { log });
}
