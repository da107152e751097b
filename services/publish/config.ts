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
import { tracingSettings } from "#shared/config/tracing-settings.ts";
import { grpcAddressSchema } from "#shared/grpc/grpc-address.ts";
import { type GrpcTlsSettings, grpcTlsSettings } from "#shared/grpc/tls-settings.ts";
import { proxiesSchema } from "#shared/http/client-address.ts";
import { checkCookieSettings, cookieSettings } from "#shared/http/cookie-settings.ts";
import { LOOPBACK } from "#shared/http/listen.ts";
import { opsHostsSchema } from "#shared/http/ops-hosts.ts";
import { originsSchema } from "#shared/http/origin.ts";
import { sharedLimitsRedisSettings } from "#shared/redis/redis-settings.ts";
import { issuerSecretsIn, type VerifierConfig, verifierSettings } from "#shared/tokens/verify-access-token.ts";

const MIB = 1024 * 1024;

const limitSchema = integerSchema(1, 1_000_000_000);

/** The variables that the publisher reads. */
const variables = z.object({
  ...commonSettings,
  ...tracingSettings,
  ...grpcTlsSettings,
  ...verifierSettings,
  ...cookieSettings,
  PUBLISH_HTTP_PORT: portSchema.default(8083).describe("the port of the public API"),
  PUBLISH_OPS_PORT: portSchema
    .default(8093)
    .describe("the operations port: `/healthz`, `/readyz`, `/metrics`, `/debug/settings`"),
  PUBLISH_BIND_ADDRESS: z
    .string()
    .default(LOOPBACK)
    .describe("the address of the public API; `0.0.0.0` opens it to others"),
  PUBLISH_OPS_BIND_ADDRESS: z
    .string()
    .default(LOOPBACK)
    .describe("the address of the operations port; anybody who reaches it may read what is there"),
  PUBLISH_OPS_ALLOWED_HOSTS: opsHostsSchema.meta({
    description:
      "names by which the operations port may be asked, with commas; addresses and `localhost` may be used anyway",
    see: "reference/settings-auth.md#addresses",
  }),
  PUBLISH_ALLOWED_ORIGINS: originsSchema.meta({
    description: "origins of pages of other hosts that may call, with cookies too, with commas",
    example: "https://app.example.com",
    see: "guides/cookies-and-cors.md#which-origins-may-be-listed",
  }),
  PUBLISH_TRUSTED_PROXIES: proxiesSchema.meta({
    description: "proxies whose last hop of `X-Forwarded-For` is believed: addresses and CIDR ranges, with commas",
    example: "10.0.0.0/8,fd00::/8",
  }),
  AUTH_GRPC_URL: grpcAddressSchema
    .default("127.0.0.1:7001")
    .describe("auth's gRPC as `host:port`, or several with commas, which says whether a session lives"),
  POLICY_GRPC_URL: grpcAddressSchema
    .default("127.0.0.1:7002")
    .describe("policy's gRPC as `host:port`, or several with commas, which says what a session's person may publish"),
  ...sharedLimitsRedisSettings,
  PUBLISH_LIMITS_SHARED_BY: integerSchema(1, 4_096)
    .default(1)
    .describe("how many publishers share the limits while Redis does not say so"),
  PUBLISH_REQUESTS_PER_ADDRESS_PER_MINUTE: limitSchema
    .default(30_000)
    .meta({ description: "requests to publish, of one address", see: "operate/limits.md#publishing" }),
  PUBLISH_EVENTS_PER_SUBJECT_PER_MINUTE: limitSchema
    .default(60_000)
    .describe("published events of one person or producer"),
  PUBLISH_EVENTS_PER_TENANT_PER_SECOND: limitSchema
    .default(5_000)
    .describe("published events of a tenant whose `publishedEventsPerSecond` says nothing else"),
  PUBLISH_BODY_MAX_BYTES: integerSchema(1_024, 64 * MIB)
    .default(MIB + MIB / 8)
    .describe("the longest body of a request"),
  PUBLISH_EVENT_MAX_BYTES: integerSchema(1_024, 64 * MIB)
    .default(MIB)
    .describe("the largest data of an event; not more than the edges' `STREAM_EVENT_MAX_BYTES`"),
  // A batch of the bus holds 1 000 messages.
  PUBLISH_BATCH_MAX_EVENTS: integerSchema(1, 1_000).default(100).describe("the most events of one request"),
  PUBLISH_MEMORY_BYTES: integerSchema(8 * MIB, 64_000_000_000)
    .default(128 * MIB)
    .describe("bodies in memory at a time; a tenant has a quarter of them"),
  PUBLISH_SCHEMAS_DIR: z.string().optional().meta({
    description:
      "the folder where `<tenant>.yaml`, `.yml` and `.json` files with JSON Schemas are watched; without it no event is checked",
    see: "guides/publishing-over-http.md#check-the-data",
  }),
});

/** The same, with what one asks of others. */
export const publishSettings = variables.check(
  checkCookieSettings,
  settingRule(requireNatsSettings),
  settingRule(requireRedisSettings),
  settingRule((settings: GrpcTlsSettings) => requireGrpcSettings(settings)),
);

/** The settings of the publisher. */
export type PublishConfig = Config<typeof publishSettings> & VerifierConfig;

/** Reads the publisher's settings; throws a BootError that names every wrong one. `log` gets what is set. */
export function readPublishConfig(env: NodeJS.ProcessEnv, log?: BootLog): PublishConfig {
  const config = readConfig(publishSettings, env, { log });
  return Object.freeze({ ...config, issuerSecrets: issuerSecretsIn(env) });
}
