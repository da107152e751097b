import { availableParallelism } from "node:os";
import { z } from "zod";
import { issuerSecretsIn, type VerifierConfig, verifierSettings } from "#shared/tokens/verify-access-token.ts";
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
import { homesSetting } from "#shared/homes/homes-file.ts";
import { LOOPBACK } from "#shared/http/listen.ts";
import { opsHostsSchema } from "#shared/http/ops-hosts.ts";
import { checkCookieSettings, cookieSettings } from "#shared/http/cookie-settings.ts";
import { originsSchema } from "#shared/http/origin.ts";
import { subscriptionSettings } from "./durable/subscription-settings.ts";
import { regionsSchema } from "./regions.ts";
import { webhookSettings } from "./webhooks/webhook-settings.ts";
import { transportSettings } from "./transports/transport-settings.ts";
import { admissionSettings } from "./admission/admission-settings.ts";

const YEAR_SECONDS = 366 * 24 * 3_600;
const MIB = 1024 * 1024;

/** The variables that the edge reads. */
const variables = z.object({
  ...commonSettings,
  ...tracingSettings,
  ...grpcTlsSettings,
  ...verifierSettings,
  ...cookieSettings,
  ...homesSetting,
  STREAM_REGIONS: regionsSchema.meta({
    description:
      "the regions and where clients reach the edges of each, for clients that move: `name=URL`, with commas",
    example: "eu=https://eu.example.com,us=https://us.example.com",
    see: "operate/regions.md#tell-clients-of-the-regions",
  }),
  STREAM_BIND_ADDRESS: z
    .string()
    .default(LOOPBACK)
    .describe("the address of the public API; `0.0.0.0` opens it to others"),
  STREAM_HTTP_PORT: portSchema.default(8080).describe("the port of streams and of the public API"),
  STREAM_OPS_PORT: portSchema
    .default(8090)
    .describe("the operations port: `/healthz`, `/readyz`, `/metrics`, `/debug/settings`, `/debug/connections`"),
  STREAM_OPS_BIND_ADDRESS: z
    .string()
    .default(LOOPBACK)
    .describe("the address of the operations port; anybody who reaches it may read what is there"),
  STREAM_OPS_ALLOWED_HOSTS: opsHostsSchema.meta({
    description:
      "names by which the operations port may be asked, with commas; addresses and `localhost` may be used anyway",
    see: "reference/settings-auth.md#addresses",
  }),
  STREAM_ALLOWED_ORIGINS: originsSchema.meta({
    description: "origins of pages of other hosts that may use cookies and read streams, with commas",
    example: "https://app.example.com",
    see: "guides/cookies-and-cors.md#which-origins-may-be-listed",
  }),
  STREAM_WORKERS: z
    .union([z.literal("auto").transform(() => availableParallelism()), integerSchema(1, 256)], {
      error: "must be auto, or a whole number from 1 to 256",
    })
    .default(1)
    .describe("processes that share the port; `auto`: one for each core that this one may use"),
  STREAM_MAX_CONNECTIONS: integerSchema(1, 1_000_000).default(19_000).meta({
    description: "streams of all workers; more are told `busy`. Each needs a file descriptor",
    see: "operate/connections.md",
  }),
  ...admissionSettings,
  ...subscriptionSettings,
  ...webhookSettings,
  ...transportSettings,
  STREAM_MEMORY_BYTES: integerSchema(64 * MIB, 64_000_000_000_000)
    .optional()
    .meta({
      description:
        "the memory that all workers may use, near which the edge is overloaded; without it what the control group allows",
      see: "operate/overload.md",
    }),
  STREAM_IDLE_SECONDS: integerSchema(0, YEAR_SECONDS)
    .default(30 * 60)
    .describe("a stream without events for so long counts as idle; `0`: none does"),
  STREAM_IDLE_END_SECONDS: integerSchema(0, YEAR_SECONDS)
    .default(90 * 60)
    .describe("a stream without events for so long, ± 10 %, ends with `bye` `idle`; `0`: none does"),
  STREAM_MAX_AGE_SECONDS: integerSchema(0, YEAR_SECONDS)
    .default(12 * 3_600)
    .describe("the age, ± 10 %, at which a stream ends with `bye` `max_age`; `0`: none does"),
  STREAM_TAIL_BYTES: integerSchema(1_000_000, 64_000_000_000)
    .default(256 * MIB)
    .describe("memory for the latest entries of all logs, with headers and frames, of all workers together"),
  STREAM_HISTORY_SUBJECT_BYTES_PER_MINUTE: integerSchema(1_000_000, 64_000_000_000)
    .default(256 * MIB)
    .meta({
      description: "history that one person may have read from JetStream; more of it waits",
      see: "reference/settings-stream.md#history",
    }),
  STREAM_HISTORY_TENANT_BYTES_PER_MINUTE: integerSchema(1_000_000, 64_000_000_000)
    .default(1024 * MIB)
    .describe("history that all readers of a tenant together may have read from JetStream; more of it waits"),
  STREAM_FLUSH_MS: integerSchema(0, 50)
    .default(5)
    .describe(
      "the least time between two writes of a burst; after a long flush as long as that took, up to 50, and 100 under overload",
    ),
  STREAM_EVENT_MAX_BYTES: integerSchema(1_024, 64 * MIB)
    .default(MIB)
    .describe("the largest data of an event; larger ones are counted and not delivered"),
  STREAM_HANDSHAKE_MS: integerSchema(100, 60_000)
    .default(5_000)
    .describe("how long a stream that opens waits for auth and policy"),
  STREAM_DRAIN_MS: integerSchema(0, 600_000).default(5_000).meta({
    description: "over how long streams are ended when the edge is told to stop",
    see: "operate/overload.md#drains",
  }),
  AUTH_GRPC_URL: grpcAddressSchema
    .default("127.0.0.1:7001")
    .describe("auth's gRPC as `host:port`, or several with commas, which says whether a session lives"),
  POLICY_GRPC_URL: grpcAddressSchema
    .default("127.0.0.1:7002")
    .describe("policy's gRPC as `host:port`, or several with commas, which says what a session's person may see"),
  AUTH_HTTP_PORT: portSchema.default(8081).describe("auth's port, where the demo's page finds it"),
  POLICY_HTTP_PORT: portSchema.default(8082).describe("policy's port, where the demo's page finds it"),
  NATS_PORT: portSchema.default(4222).describe("where the demo's page says that producers find NATS"),
});

/** The same, with what one asks of others. */
export const streamSettings = variables.check(
  checkCookieSettings,
  settingRule(requireNatsSettings),
  settingRule(requireRedisSettings),
  settingRule((settings: GrpcTlsSettings) => requireGrpcSettings(settings)),
);

export type StreamConfig = Config<typeof streamSettings> & VerifierConfig;

/** The edge's settings. Throws BootError with every fault; `log` gets what is set. */
export function readStreamConfig(env: NodeJS.ProcessEnv, log?: BootLog): StreamConfig {
  const config = readConfig(streamSettings, env, { log });
  return Object.freeze({ ...config, issuerSecrets: issuerSecretsIn(env) });
}
