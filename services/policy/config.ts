import { z } from "zod";
import {
  type BootLog,
  commonSettings,
  integerSchema,
  portSchema,
  readConfig,
  type SettingsBySource,
} from "#shared/config/read-config.ts";
import { tracingSettings } from "#shared/config/tracing-settings.ts";
import { issuerSecretsIn, type VerifierConfig, verifierSettings } from "#shared/tokens/verify-access-token.ts";
import { grpcAddressSchema } from "#shared/grpc/grpc-address.ts";
import { grpcTlsSettings } from "#shared/grpc/tls-settings.ts";
import { proxiesSchema } from "#shared/http/client-address.ts";
import { LOOPBACK } from "#shared/http/listen.ts";
import { opsHostsSchema } from "#shared/http/ops-hosts.ts";
import { checkCookieSettings, cookieSettings } from "#shared/http/cookie-settings.ts";
import { originsSchema } from "#shared/http/origin.ts";
import { OPERATOR_TOKEN, OPERATOR_TOKEN_FAULT } from "./http/operator-tokens.ts";

const DAY_SECONDS = 86_400;
const MIB = 1024 * 1024;

/** What the demo sets where nobody else does. */
const demo = { POLICY_DOCUMENTS_DIR: "infra/policies" };

/** The variables that policy reads. */
export const policySettings = z.object({
  ...commonSettings,
  ...tracingSettings,
  ...grpcTlsSettings,
  ...verifierSettings,
  ...cookieSettings,
  POLICY_HTTP_PORT: portSchema.default(8082),
  /** Where the demo's console says that the edge is. */
  STREAM_HTTP_PORT: portSchema.default(8080),
  POLICY_GRPC_PORT: portSchema.default(7002),
  POLICY_OPS_PORT: portSchema.default(8092),
  /** The address of gRPC; another than loopback needs TLS, or `GRPC_PLAINTEXT=allow`. */
  POLICY_GRPC_BIND_ADDRESS: z.string().default(LOOPBACK),
  POLICY_OPS_BIND_ADDRESS: z.string().default(LOOPBACK),
  /** Names by which the operations port may be asked; addresses and localhost may be used anyway. */
  POLICY_OPS_ALLOWED_HOSTS: opsHostsSchema,
  POLICY_BIND_ADDRESS: z.string().default(LOOPBACK),
  POLICY_ALLOWED_ORIGINS: originsSchema,
  /** Where the console sends test events: a publisher, or an edge. Without it, it sends none. */
  POLICY_PUBLISH_URL: z.url({ protocol: /^https?$/ }).optional(),
  /** Who says which rights people have now, and ends the sessions of a tenant that is deleted. */
  AUTH_GRPC_URL: grpcAddressSchema.default("127.0.0.1:7001"),
  /** Where `<tenant>.yaml`, `.yml` and `.json` files are watched; without it no file is. The demo has a folder of its own. */
  POLICY_DOCUMENTS_DIR: z.string().optional(),
  /** This token allows everything in every tenant. Without it and the file there is no operator. */
  POLICY_OPERATOR_TOKEN: z.string().regex(OPERATOR_TOKEN, OPERATOR_TOKEN_FAULT).optional(),
  /** A file with such tokens, a line `<name>: <token>` each, read again when it changes. */
  POLICY_OPERATOR_TOKEN_FILE: z.string().optional(),
  /** Proxies whose last `X-Forwarded-For` hop is believed: addresses and CIDR ranges, separated by commas. */
  POLICY_TRUSTED_PROXIES: proxiesSchema,
  /** How much of a tenant's log is kept. */
  POLICY_HISTORY_MAX_BYTES: integerSchema(MIB, Number.MAX_SAFE_INTEGER).default(1024 * MIB),
  POLICY_HISTORY_MAX_AGE_SECONDS: integerSchema(120, 365 * DAY_SECONDS).default(7 * DAY_SECONDS),
  /** How much of the connection log is kept, of all tenants together: some 500 bytes for each entry. */
  POLICY_CONNECTIONS_MAX_BYTES: integerSchema(MIB, Number.MAX_SAFE_INTEGER).default(64 * MIB),
  /** A YAML file of tiers, `<tier>: {<limit>: <number>}`, in place of the built-in ones. */
  POLICY_TIERS_FILE: z.string().optional(),
  /** How many changes of its policy a tenant may make. What takes rights away is not counted. */
  POLICY_CHANGES_PER_SECOND: integerSchema(1, 100_000).default(5),
  POLICY_CHANGES_BURST: integerSchema(1, 100_000).default(50),
  /** How long a changed document may take to be read, compiled and tested. */
  POLICY_DOCUMENT_DEADLINE_MS: integerSchema(100, 60_000).default(2_000),
  /** How many tenants have metrics of their own. */
  POLICY_METRICS_MAX_TENANTS: integerSchema(0, 1_000_000).default(1_000),
});

/** The settings of policy. */
export type PolicyConfig = Readonly<z.infer<typeof policySettings>> &
  VerifierConfig & {
    /** The same as texts, for people, by where each comes from. */
    readonly bySource: SettingsBySource;
  };

/** Reads policy's settings; throws a BootError that names every wrong one. `log` gets what is set. */
export function readPolicyConfig(env: NodeJS.ProcessEnv, log?: BootLog): PolicyConfig {
  let bySource: SettingsBySource = { environment: {}, demo: {}, default: {} };
  const onRead = (settings: SettingsBySource): void => void (bySource = settings);
  const config = readConfig(policySettings.check(checkCookieSettings), env, { demo, log, onRead });
  return Object.freeze({ ...config, issuerSecrets: issuerSecretsIn(env), bySource });
}
