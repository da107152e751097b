import { z } from "zod";
import { integerSchema, portSchema } from "#shared/config/read-config.ts";
import {
  DEFAULT_COMPOSE_PORTS,
  DEFAULT_CLUSTER_PASSWORDS,
  DEFAULT_PASSWORDS,
  DEFAULT_PORTS,
  MAX_PORT_OFFSET,
} from "../demo-settings.ts";

/** A port that `npm start` or compose opens. */
function movedPort(byDefault: number, what: string) {
  return portSchema.default(byDefault).describe(`${what}, in npm start and compose`);
}

/** A port that compose alone opens, with one of its profiles. */
function composePort(byDefault: number, what: string) {
  return portSchema.default(byDefault).describe(`the port of ${what} in compose`);
}

/** The password of a user in the demo's configuration of NATS or Redis. */
function password(byDefault: string, user: string) {
  return z
    .string()
    .default(byDefault)
    .meta({ description: `the password of the user ${user}, in npm start and compose`, secret: true });
}

function serviceUrl(service: string, port: number) {
  return z
    .string()
    .optional()
    .meta({
      description: `where commands ask ${service}; without it, what npm start runs`,
      example: `http://127.0.0.1:${port}`,
    });
}

function opsUrl(service: string, port: number) {
  return z
    .string()
    .optional()
    .meta({
      description: `where commands ask the operations port of ${service}; without it, what npm start runs`,
      example: `http://127.0.0.1:${port}`,
    });
}

/** The variables of `npm start`, of docker-compose.yml and of `sluice`, beside those of the services. */
export const toolSettings = z.object({
  SLUICE_PORT_OFFSET: integerSchema(0, MAX_PORT_OFFSET).default(0).meta({
    description:
      "is added to every port of npm start and of `sluice compose` that has no variable of its own set, so that two stacks run side by side",
    example: "10000",
    see: "operate/side-by-side.md",
  }),
  SLUICE_DATA_DIR: z
    .string()
    .default(".sluice/data")
    .describe("where npm start keeps its data and logs; with an offset of ports, `.sluice/data-<offset>`"),
  SLUICE_ENV_FILE: z.string().default(".env").meta({
    description: "the file that npm start and `sluice` read variables from which the environment does not set",
    see: "operate/side-by-side.md#settings-in-a-file",
  }),
  NATS_PORT: movedPort(DEFAULT_PORTS.NATS_PORT, "the port of NATS"),
  REDIS_PORT: portSchema.default(DEFAULT_PORTS.REDIS_PORT).describe("the port of Redis in npm start"),
  WEBHOOKS_OPS_PORT: movedPort(
    DEFAULT_PORTS.WEBHOOKS_OPS_PORT,
    "the operations port of the process that posts webhooks",
  ),
  PROMETHEUS_PORT: composePort(DEFAULT_COMPOSE_PORTS.PROMETHEUS_PORT, "Prometheus"),
  GRAFANA_PORT: composePort(DEFAULT_COMPOSE_PORTS.GRAFANA_PORT, "Grafana"),
  JAEGER_PORT: composePort(DEFAULT_COMPOSE_PORTS.JAEGER_PORT, "Jaeger"),
  STREAM_MEMORY: z.string().default("4g").describe("the memory of the edge's container in compose, of all workers"),
  STREAM_NOFILE: integerSchema(1_024, 1_000_000_000)
    .default(20_000)
    .describe("the file descriptors of each of the edge's workers in compose"),
  PROXY_NOFILE: integerSchema(1_024, 1_000_000_000)
    .default(20_000)
    .describe("the file descriptors of the proxy in front of a cluster in compose; a stream takes two"),
  REDIS_NETWORK: z
    .string()
    .default("172.30.63")
    .describe(
      "the first three numbers of the addresses of Redis in a cluster of compose; two clusters on one machine need two",
    ),
  NATS_AUTH_PASSWORD: password(DEFAULT_PASSWORDS.NATS_AUTH_PASSWORD, "auth on NATS"),
  NATS_POLICY_PASSWORD: password(DEFAULT_PASSWORDS.NATS_POLICY_PASSWORD, "policy on NATS"),
  NATS_STREAM_PASSWORD: password(DEFAULT_PASSWORDS.NATS_STREAM_PASSWORD, "stream on NATS"),
  NATS_PUBLISH_PASSWORD: password(DEFAULT_PASSWORDS.NATS_PUBLISH_PASSWORD, "publish on NATS"),
  NATS_BACKUP_PASSWORD: password(DEFAULT_PASSWORDS.NATS_BACKUP_PASSWORD, "backup on NATS"),
  NATS_DEMO_PASSWORD: password(DEFAULT_PASSWORDS.NATS_DEMO_PASSWORD, "demo on NATS, the producer of that tenant"),
  NATS_RIVAL_PASSWORD: password(DEFAULT_PASSWORDS.NATS_RIVAL_PASSWORD, "rival on NATS, the producer of that tenant"),
  REDIS_AUTH_PASSWORD: password(DEFAULT_PASSWORDS.REDIS_AUTH_PASSWORD, "auth on Redis"),
  REDIS_STREAM_PASSWORD: password(DEFAULT_PASSWORDS.REDIS_STREAM_PASSWORD, "stream on Redis"),
  REDIS_PUBLISH_PASSWORD: password(DEFAULT_PASSWORDS.REDIS_PUBLISH_PASSWORD, "publish on Redis"),
  REDIS_BACKUP_PASSWORD: password(DEFAULT_PASSWORDS.REDIS_BACKUP_PASSWORD, "backup on Redis"),
  NATS_ROUTE_PASSWORD: password(
    DEFAULT_CLUSTER_PASSWORDS.NATS_ROUTE_PASSWORD,
    "route: the servers of NATS in a cluster",
  ),
  NATS_SYNC_INTERVAL: z.string().default("120s").meta({
    description: "how often the servers of a cluster of NATS sync their disks; `always`: before each acknowledgement",
    see: "operate/cluster.md#what-an-acknowledgement-means",
  }),
  REDIS_SERVERS_PASSWORD: password(
    DEFAULT_CLUSTER_PASSWORDS.REDIS_SERVERS_PASSWORD,
    "replica and sentinel: servers of Redis in a cluster",
  ),
  AUTH_URL: serviceUrl("auth", DEFAULT_PORTS.AUTH_HTTP_PORT),
  POLICY_URL: serviceUrl("policy", DEFAULT_PORTS.POLICY_HTTP_PORT),
  PUBLISH_URL: serviceUrl("the publisher", DEFAULT_PORTS.PUBLISH_HTTP_PORT),
  STREAM_URL: serviceUrl("the edge", DEFAULT_PORTS.STREAM_HTTP_PORT),
  AUTH_OPS_URL: opsUrl("auth", DEFAULT_PORTS.AUTH_OPS_PORT),
  POLICY_OPS_URL: opsUrl("policy", DEFAULT_PORTS.POLICY_OPS_PORT),
  PUBLISH_OPS_URL: opsUrl("the publisher", DEFAULT_PORTS.PUBLISH_OPS_PORT),
  STREAM_OPS_URL: opsUrl("the edge", DEFAULT_PORTS.STREAM_OPS_PORT),
  DEMO_NATS_URL: z.string().optional().describe("where `sluice demo publish` finds NATS, if not at `NATS_URL`"),
  POLICY_TOKEN: z
    .string()
    .optional()
    .meta({ description: "the token that commands ask policy with", secret: true, see: "operate/command-line.md" }),
  POLICY_TOKEN_FILE: z.string().optional().describe("a file with the token that commands ask policy with"),
  SLUICE_TENANT: z.string().optional().describe("the tenant of commands that are given none"),
  SLUICE_USER: z.string().optional().describe("as whom commands log in at auth"),
  SLUICE_PASSWORD: z.string().optional().meta({ description: "the password of `SLUICE_USER`", secret: true }),
  SLUICE_PASSWORD_FILE: z.string().optional().describe("a file with the password of `SLUICE_USER`"),
  SLUICE_TOKEN: z
    .string()
    .optional()
    .meta({ description: "an access token, in place of a user and a password", secret: true }),
  SLUICE_TOKEN_FILE: z.string().optional().describe("a file with an access token, in place of a user and a password"),
  SLUICE_BUS_DIR: z
    .string()
    .optional()
    .describe("the folder with the configuration of NATS that `sluice bus` changes; without it, that of npm start"),
});
