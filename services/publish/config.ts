import { z } from "zod";
import { type BootLog, commonSettings, integerSchema, portSchema, readConfig } from "#shared/config/read-config.ts";
import { tracingSettings } from "#shared/config/tracing-settings.ts";
import { grpcAddressSchema } from "#shared/grpc/grpc-address.ts";
import { grpcTlsSettings } from "#shared/grpc/tls-settings.ts";
import { proxiesSchema } from "#shared/http/client-address.ts";
import { checkCookieSettings, cookieSettings } from "#shared/http/cookie-settings.ts";
import { LOOPBACK } from "#shared/http/listen.ts";
import { opsHostsSchema } from "#shared/http/ops-hosts.ts";
import { originsSchema } from "#shared/http/origin.ts";
import { redisSettings } from "#shared/redis/redis-settings.ts";
import { issuerSecretsIn, type VerifierConfig, verifierSettings } from "#shared/tokens/verify-access-token.ts";

const MIB = 1024 * 1024;

const limitSchema = integerSchema(1, 1_000_000_000);

const { REDIS_URL, ...redisFiles } = redisSettings;

/** The variables that the publisher reads. */
export const publishSettings = z.object({
  ...commonSettings,
  ...tracingSettings,
  ...grpcTlsSettings,
  ...verifierSettings,
  ...cookieSettings,
  PUBLISH_HTTP_PORT: portSchema.default(8083),
  PUBLISH_OPS_PORT: portSchema.default(8093),
  PUBLISH_BIND_ADDRESS: z.string().default(LOOPBACK),
  PUBLISH_OPS_BIND_ADDRESS: z.string().default(LOOPBACK),
  /** Names by which the operations port may be asked; addresses and localhost may be used anyway. */
  PUBLISH_OPS_ALLOWED_HOSTS: opsHostsSchema,
  PUBLISH_ALLOWED_ORIGINS: originsSchema,
  /** Proxies whose last `X-Forwarded-For` hop is believed: addresses and CIDR ranges, separated by commas. */
  PUBLISH_TRUSTED_PROXIES: proxiesSchema,
  AUTH_GRPC_URL: grpcAddressSchema.default("127.0.0.1:7001"),
  POLICY_GRPC_URL: grpcAddressSchema.default("127.0.0.1:7002"),
  /** Where all publishers count together. Without it each keeps to its share of the limits. */
  REDIS_URL: REDIS_URL.optional(),
  ...redisFiles,
  /** How many publishers share the limits while Redis does not say so. */
  PUBLISH_LIMITS_SHARED_BY: integerSchema(1, 4_096).default(1),
  PUBLISH_REQUESTS_PER_ADDRESS_PER_MINUTE: limitSchema.default(30_000),
  PUBLISH_EVENTS_PER_SUBJECT_PER_MINUTE: limitSchema.default(60_000),
  /** Where the tenant's limits say nothing else. */
  PUBLISH_EVENTS_PER_TENANT_PER_SECOND: limitSchema.default(5_000),
  PUBLISH_BODY_MAX_BYTES: integerSchema(1_024, 64 * MIB).default(MIB + MIB / 8),
  PUBLISH_EVENT_MAX_BYTES: integerSchema(1_024, 64 * MIB).default(MIB),
  /** A batch of the bus holds 1 000 messages. */
  PUBLISH_BATCH_MAX_EVENTS: integerSchema(1, 1_000).default(100),
  /** The bodies that are in memory at a time; a tenant has a quarter of them. */
  PUBLISH_MEMORY_BYTES: integerSchema(8 * MIB, 64_000_000_000).default(128 * MIB),
  /** Where `<tenant>.yaml`, `.yml` and `.json` files with JSON Schemas are watched; without it no event is checked. */
  PUBLISH_SCHEMAS_DIR: z.string().optional(),
});

/** The settings of the publisher. */
export type PublishConfig = Readonly<z.infer<typeof publishSettings>> & VerifierConfig;

/** Reads the publisher's settings; throws a BootError that names every wrong one. `log` gets what is set. */
export function readPublishConfig(env: NodeJS.ProcessEnv, log?: BootLog): PublishConfig {
  const config = readConfig(publishSettings.check(checkCookieSettings), env, { log });
  return Object.freeze({ ...config, issuerSecrets: issuerSecretsIn(env) });
}
