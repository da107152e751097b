import { availableParallelism } from "node:os";
import { z } from "zod";
import { verifierSettings } from "#shared/tokens/verify-access-token.ts";
import { commonSettings, integerSchema, portSchema, readConfig } from "#shared/config/read-config.ts";
import { grpcTlsSettings } from "#shared/grpc/tls-settings.ts";
import { checkCookieSettings, cookieSettings } from "#shared/http/cookie-settings.ts";
import { originsSchema } from "#shared/http/origin.ts";

const schema = z
  .object({
    ...commonSettings,
    ...grpcTlsSettings,
    ...verifierSettings,
    ...cookieSettings,
    STREAM_BIND_ADDRESS: z.string().min(1).default("127.0.0.1"),
    STREAM_HTTP_PORT: portSchema.default(8080),
    STREAM_OPS_PORT: portSchema.default(8090),
    STREAM_ALLOWED_ORIGINS: originsSchema,
    /** Processes that share the port; `auto`: one for each core that this one may use. */
    STREAM_WORKERS: z
      .literal("auto")
      .transform(() => availableParallelism())
      .or(integerSchema(1, 256))
      .default(1),
    STREAM_MAX_CONNECTIONS: integerSchema(1, 1_000_000).default(19_000),
    STREAM_TAIL_BYTES: integerSchema(1_000_000, 64_000_000_000).default(256 * 1024 * 1024),
    STREAM_FLUSH_MS: integerSchema(0, 50).default(5),
    STREAM_EVENT_MAX_BYTES: integerSchema(1_024, 64 * 1024 * 1024).default(1024 * 1024),
    STREAM_HANDSHAKE_MS: integerSchema(100, 60_000).default(5_000),
    STREAM_DRAIN_MS: integerSchema(0, 600_000).default(5_000),
    AUTH_GRPC_URL: z
      .string()
      .regex(/^[^\s:/]+:\d+$/, "must be host:port")
      .default("127.0.0.1:7001"),
    POLICY_GRPC_URL: z
      .string()
      .regex(/^[^\s:/]+:\d+$/, "must be host:port")
      .default("127.0.0.1:7002"),
    /** `1` serves the demo's page as well; nothing else changes. */
    SLUICE_DEMO: z.enum(["0", "1"]).default("0"),
    AUTH_HTTP_PORT: portSchema.default(8081),
    POLICY_HTTP_PORT: portSchema.default(8082),
  })
  .check(checkCookieSettings);

export type StreamConfig = Readonly<z.infer<typeof schema>>;

/** The edge's settings. Throws BootError with every fault. */
export function readStreamConfig(env: NodeJS.ProcessEnv): StreamConfig {
  return readConfig(schema, env);
}
