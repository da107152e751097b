import { availableParallelism } from "node:os";
import { z } from "zod";
import { issuerSecretsIn, type VerifierConfig, verifierSettings } from "#shared/tokens/verify-access-token.ts";
import { type BootLog, commonSettings, integerSchema, portSchema, readConfig } from "#shared/config/read-config.ts";
import { tracingSettings } from "#shared/config/tracing-settings.ts";
import { grpcAddressSchema } from "#shared/grpc/grpc-address.ts";
import { grpcTlsSettings } from "#shared/grpc/tls-settings.ts";
import { LOOPBACK } from "#shared/http/listen.ts";
import { opsHostsSchema } from "#shared/http/ops-hosts.ts";
import { checkCookieSettings, cookieSettings } from "#shared/http/cookie-settings.ts";
import { originsSchema } from "#shared/http/origin.ts";
import { subscriptionSettings } from "./durable/subscription-settings.ts";
import { webhookSettings } from "./webhooks/webhook-settings.ts";
import { transportSettings } from "./transports/transport-settings.ts";
import { admissionSettings } from "./admission/admission-settings.ts";

const YEAR_SECONDS = 366 * 24 * 3_600;

/** The variables that the edge reads. */
export const streamSettings = z.object({
  ...commonSettings,
  ...tracingSettings,
  ...grpcTlsSettings,
  ...verifierSettings,
  ...cookieSettings,
  STREAM_BIND_ADDRESS: z.string().default(LOOPBACK),
  STREAM_HTTP_PORT: portSchema.default(8080),
  STREAM_OPS_PORT: portSchema.default(8090),
  STREAM_OPS_BIND_ADDRESS: z.string().default(LOOPBACK),
  /** Names by which the operations port may be asked; addresses and localhost may be used anyway. */
  STREAM_OPS_ALLOWED_HOSTS: opsHostsSchema,
  STREAM_ALLOWED_ORIGINS: originsSchema,
  /** Processes that share the port; `auto`: one for each core that this one may use. */
  STREAM_WORKERS: z
    .union([z.literal("auto").transform(() => availableParallelism()), integerSchema(1, 256)], {
      error: "must be auto, or a whole number from 1 to 256",
    })
    .default(1),
  STREAM_MAX_CONNECTIONS: integerSchema(1, 1_000_000).default(19_000),
  ...admissionSettings,
  ...subscriptionSettings,
  ...webhookSettings,
  ...transportSettings,
  /** The memory that all workers may use; without it what the control group allows. */
  STREAM_MEMORY_BYTES: integerSchema(64 * 1024 * 1024, 64_000_000_000_000).optional(),
  /** A stream without events for so long counts as idle, or ends; and the age at which each ends. 0 for never. */
  STREAM_IDLE_SECONDS: integerSchema(0, YEAR_SECONDS).default(30 * 60),
  STREAM_IDLE_END_SECONDS: integerSchema(0, YEAR_SECONDS).default(90 * 60),
  STREAM_MAX_AGE_SECONDS: integerSchema(0, YEAR_SECONDS).default(12 * 3_600),
  STREAM_TAIL_BYTES: integerSchema(1_000_000, 64_000_000_000).default(256 * 1024 * 1024),
  /** History that each subject, and each tenant, may have read from JetStream in a minute; more of it waits. */
  STREAM_HISTORY_SUBJECT_BYTES_PER_MINUTE: integerSchema(1_000_000, 64_000_000_000).default(256 * 1024 * 1024),
  STREAM_HISTORY_TENANT_BYTES_PER_MINUTE: integerSchema(1_000_000, 64_000_000_000).default(1024 * 1024 * 1024),
  STREAM_FLUSH_MS: integerSchema(0, 50).default(5),
  STREAM_EVENT_MAX_BYTES: integerSchema(1_024, 64 * 1024 * 1024).default(1024 * 1024),
  STREAM_HANDSHAKE_MS: integerSchema(100, 60_000).default(5_000),
  STREAM_DRAIN_MS: integerSchema(0, 600_000).default(5_000),
  AUTH_GRPC_URL: grpcAddressSchema.default("127.0.0.1:7001"),
  POLICY_GRPC_URL: grpcAddressSchema.default("127.0.0.1:7002"),
  /** Where the demo's page finds the other two, and producers the bus. */
  AUTH_HTTP_PORT: portSchema.default(8081),
  POLICY_HTTP_PORT: portSchema.default(8082),
  NATS_PORT: portSchema.default(4222),
});

export type StreamConfig = Readonly<z.infer<typeof streamSettings>> & VerifierConfig;

/** The edge's settings. Throws BootError with every fault; `log` gets what is set. */
export function readStreamConfig(env: NodeJS.ProcessEnv, log?: BootLog): StreamConfig {
  const config = readConfig(streamSettings.check(checkCookieSettings), env, { log });
  return Object.freeze({ ...config, issuerSecrets: issuerSecretsIn(env) });
}
