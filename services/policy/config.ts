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
import { requireGrpcSettings } from "#shared/grpc/grpc-security.ts";
import { settingRule } from "#shared/config/setting-rules.ts";
import { tracingSettings } from "#shared/config/tracing-settings.ts";
import { issuerSecretsIn, type VerifierConfig, verifierSettings } from "#shared/tokens/verify-access-token.ts";
import { grpcAddressSchema } from "#shared/grpc/grpc-address.ts";
import { type GrpcTlsSettings, grpcTlsSettings } from "#shared/grpc/tls-settings.ts";
import { proxiesSchema } from "#shared/http/client-address.ts";
import { LOOPBACK } from "#shared/http/listen.ts";
import { opsHostsSchema } from "#shared/http/ops-hosts.ts";
import { checkCookieSettings, cookieSettings } from "#shared/http/cookie-settings.ts";
import { originsSchema } from "#shared/http/origin.ts";
import { opsUrlsSchema } from "./clients/ops-urls.ts";
import { OPERATOR_TOKEN, OPERATOR_TOKEN_FAULT } from "#shared/http/operator-tokens.ts";

const DAY_SECONDS = 86_400;
const MIB = 1024 * 1024;

/** What the demo sets where nobody else does. */
const demo = { POLICY_DOCUMENTS_DIR: "infra/policies" };

/** The variables that policy reads. */
const variables = z.object({
  ...commonSettings,
  ...tracingSettings,
  ...grpcTlsSettings,
  ...verifierSettings,
  ...cookieSettings,
  POLICY_HTTP_PORT: portSchema.default(8082).describe("the port of the public API and of the console"),
  STREAM_HTTP_PORT: portSchema.default(8080).describe("where the demo's console says that the edge is"),
  POLICY_GRPC_PORT: portSchema.default(7002).describe("the port of gRPC, for the other services and for gateways"),
  POLICY_OPS_PORT: portSchema
    .default(8092)
    .describe("the operations port: `/healthz`, `/readyz`, `/metrics`, `/debug/settings`"),
  POLICY_GRPC_BIND_ADDRESS: z
    .string()
    .default(LOOPBACK)
    .describe("the address of gRPC; another than loopback needs mutual TLS, or `GRPC_PLAINTEXT=allow`"),
  POLICY_OPS_BIND_ADDRESS: z
    .string()
    .default(LOOPBACK)
    .describe("the address of the operations port; anybody who reaches it may read what is there"),
  POLICY_OPS_ALLOWED_HOSTS: opsHostsSchema.meta({
    description:
      "names by which the operations port may be asked, with commas; addresses and `localhost` may be used anyway",
    see: "reference/settings-auth.md#addresses",
  }),
  POLICY_BIND_ADDRESS: z
    .string()
    .default(LOOPBACK)
    .describe("the address of the public API; `0.0.0.0` opens it to others"),
  POLICY_ALLOWED_ORIGINS: originsSchema.meta({
    description: "origins of pages of other hosts that may call, with commas",
    example: "https://admin.example.com",
    see: "guides/cookies-and-cors.md#which-origins-may-be-listed",
  }),
  POLICY_PUBLISH_URL: z
    .url({ protocol: /^https?$/, error: "must be an http or https URL" })
    .optional()
    .meta({
      description:
        "where the console sends test events: the publisher, or an edge, whose `…_ALLOWED_ORIGINS` must hold the console's origin",
      example: "https://publish.example.com",
      see: "operate/console.md",
    }),
  POLICY_OPS_URLS: opsUrlsSchema.meta({
    description:
      "the operations ports of the other services, by names of your choice: the console shows what each process was set to, and whether it is ready",
    example: "auth=http://auth:8091,publish=http://publish:8093,edge-1=http://10.0.0.7:8090",
    see: "operate/console.md#what-has-to-be-set",
  }),
  AUTH_GRPC_URL: grpcAddressSchema
    .default("127.0.0.1:7001")
    .describe(
      "auth's gRPC as `host:port`, or several with commas, which says which rights people have now and ends the sessions of a deleted tenant",
    ),
  POLICY_DOCUMENTS_DIR: z
    .string()
    .optional()
    .describe(
      "the folder where `<tenant>.yaml`, `.yml` and `.json` files are watched, in the demo `infra/policies`; without it none are. While it is missing or unreadable, policy is not ready",
    ),
  POLICY_OPERATOR_TOKEN: z.string().regex(OPERATOR_TOKEN, OPERATOR_TOKEN_FAULT).optional().meta({
    description:
      "a token that allows everything in every tenant, 16 characters at least; without it and the file there is no operator",
    secret: true,
    see: "operate/operators.md",
  }),
  POLICY_OPERATOR_TOKEN_FILE: z
    .string()
    .optional()
    .describe("a file with tokens of operators, a line `<name>: <token>` each, which is watched"),
  POLICY_TRUSTED_PROXIES: proxiesSchema.meta({
    description: "proxies whose last hop of `X-Forwarded-For` is believed: addresses and CIDR ranges, with commas",
    example: "10.0.0.0/8,fd00::/8",
  }),
  POLICY_HISTORY_MAX_BYTES: integerSchema(MIB, Number.MAX_SAFE_INTEGER)
    .default(1024 * MIB)
    .describe("how large a tenant's log may become; the oldest entries go first"),
  POLICY_HISTORY_MAX_AGE_SECONDS: integerSchema(120, 365 * DAY_SECONDS)
    .default(7 * DAY_SECONDS)
    .describe("how long a tenant's log keeps an entry"),
  POLICY_CONNECTIONS_MAX_BYTES: integerSchema(MIB, Number.MAX_SAFE_INTEGER)
    .default(64 * MIB)
    .describe(
      "what the connection log keeps of all tenants together: who was connected when, some 500 bytes an entry, for a day at most; where it is full, the tenants with the most entries lose their oldest",
    ),
  POLICY_TIERS_FILE: z.string().optional().meta({
    description: "a YAML file of tiers, in place of the built-in `default`, `basic` and `premium`",
    see: "operate/limits.md#tiers",
  }),
  POLICY_CHANGES_PER_SECOND: integerSchema(1, 100_000).default(5).meta({
    description:
      "how many changes of its policy a tenant may make in a second, at each process of policy; what takes rights away is not counted",
    see: "reference/policy-http.md#limits",
  }),
  POLICY_CHANGES_BURST: integerSchema(1, 100_000)
    .default(50)
    .describe("how many changes a tenant may make at once after a quiet time"),
  POLICY_DOCUMENT_DEADLINE_MS: integerSchema(100, 60_000)
    .default(2_000)
    .describe(
      "how long reading, compiling and testing a changed document may take; past it, it is refused (422). One that was in force when it was stored has 15 times as long",
    ),
  POLICY_METRICS_MAX_TENANTS: integerSchema(0, 1_000_000)
    .default(1_000)
    .describe("how many tenants have metrics of their own"),
});

/** The same, with what one asks of others. */
export const policySettings = variables.check(
  checkCookieSettings,
  settingRule(requireNatsSettings),
  settingRule((settings: GrpcTlsSettings & { readonly POLICY_GRPC_BIND_ADDRESS: string }) =>
    requireGrpcSettings(settings, settings.POLICY_GRPC_BIND_ADDRESS),
  ),
);

/** The settings of policy. */
export type PolicyConfig = Config<typeof policySettings> & VerifierConfig;

/** Reads policy's settings; throws a BootError that names every wrong one. `log` gets what is set. */
export function readPolicyConfig(env: NodeJS.ProcessEnv, log?: BootLog): PolicyConfig {
  const config = readConfig(policySettings, env, { demo, log });
  return Object.freeze({ ...config, issuerSecrets: issuerSecretsIn(env) });
}
