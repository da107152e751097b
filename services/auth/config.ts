import { z } from "zod";
import { commonSettings, integerSchema, portSchema, readConfig } from "#shared/config/read-config.ts";
import { grpcTlsSettings } from "#shared/grpc/tls-settings.ts";
import { originsSchema } from "#shared/http/origin.ts";

const DAY_SECONDS = 86_400;

const authSettings = z.object({
  ...commonSettings,
  ...grpcTlsSettings,
  AUTH_HTTP_PORT: portSchema.default(8081),
  AUTH_GRPC_PORT: portSchema.default(7001),
  AUTH_OPS_PORT: portSchema.default(8091),
  AUTH_BIND_ADDRESS: z.string().default("127.0.0.1"),
  /** The `iss` of every token; the URL at which outsiders reach this service. */
  AUTH_ISSUER: z.url({ protocol: /^https?$/, error: "must be an http or https URL" }).default("http://localhost:8081"),
  AUTH_AUDIENCE: z.string().min(1).default("sluice"),
  /** A YAML file of users; `npm run hash-password` makes the password hashes in it. */
  AUTH_USERS_FILE: z.string(),
  AUTH_ALLOWED_ORIGINS: originsSchema,
  AUTH_ACCESS_TOKEN_SECONDS: integerSchema(1, 3_600).default(300),
  /** How long a login lasts at most, however often it is refreshed. */
  AUTH_SESSION_SECONDS: integerSchema(2, 30 * DAY_SECONDS).default(DAY_SECONDS / 2),
  REDIS_URL: z.url({ protocol: /^rediss?$/, error: "must be redis://user:password@host:port" }),
});

/** The settings of auth. */
export type AuthConfig = Readonly<z.infer<typeof authSettings>>;

/** Reads auth's settings; throws a BootError that names every wrong one. */
export function readAuthConfig(env: NodeJS.ProcessEnv): AuthConfig {
  return readConfig(authSettings, env);
}
