/** The variables that set the demo's ports, and the ports they have when nobody sets them. */
export const DEFAULT_PORTS = {
  STREAM_HTTP_PORT: 8080,
  AUTH_HTTP_PORT: 8081,
  POLICY_HTTP_PORT: 8082,
  PUBLISH_HTTP_PORT: 8083,
  STREAM_OPS_PORT: 8090,
  AUTH_OPS_PORT: 8091,
  POLICY_OPS_PORT: 8092,
  PUBLISH_OPS_PORT: 8093,
  WEBHOOKS_OPS_PORT: 8094,
  AUTH_GRPC_PORT: 7001,
  POLICY_GRPC_PORT: 7002,
  NATS_PORT: 4222,
  REDIS_PORT: 6379,
} as const;

/** The ports that compose opens beside those, with its profile `observe`. */
export const DEFAULT_COMPOSE_PORTS = { PROMETHEUS_PORT: 9090, GRAFANA_PORT: 3000, JAEGER_PORT: 16686 } as const;

/** With more, the highest of these ports would be none. */
export const MAX_PORT_OFFSET = 65_535 - 16_686;

export type PortVariable = keyof typeof DEFAULT_PORTS;

/** A port for each of the demo's listeners. */
export type DemoPorts = Readonly<Record<PortVariable, number>>;

/** The password of every demo user and of the tenants' producers on the bus. */
export const DEMO_PASSWORD = "sluice-demo";

/** The token of the demo's operator. */
export const DEMO_OPERATOR_TOKEN = "sluice-demo-operator";

/** The issuer whose tokens `sluice token make` makes: its key is public, so only the demo may list it. */
const DEMO_ISSUERS_FILE = "infra/demo/issuers.yaml";

/** The secrets of callbacks in the demo; they are public. */
const DEMO_WEBHOOK_SECRETS_FILE = "infra/demo/webhook-secrets.yaml";

/** The users whose pages run side by side on `<user>.localhost`, where each keeps its own cookies. */
const USERS = ["alice", "bob", "carol", "mallory"];

/** The variables that set the passwords of the demo's users on NATS and Redis, and what they are when nobody sets them. */
export const DEFAULT_PASSWORDS = {
  NATS_AUTH_PASSWORD: "sluice-demo-auth",
  NATS_POLICY_PASSWORD: "sluice-demo-policy",
  NATS_STREAM_PASSWORD: "sluice-demo-stream",
  NATS_PUBLISH_PASSWORD: "sluice-demo-publish",
  NATS_BACKUP_PASSWORD: "sluice-demo-backup",
  NATS_DEMO_PASSWORD: DEMO_PASSWORD,
  NATS_RIVAL_PASSWORD: DEMO_PASSWORD,
  REDIS_AUTH_PASSWORD: "sluice-demo-auth",
  REDIS_STREAM_PASSWORD: "sluice-demo-stream",
  REDIS_PUBLISH_PASSWORD: "sluice-demo-publish",
  REDIS_BACKUP_PASSWORD: "sluice-demo-backup",
} as const;

/** The same for what the servers of a cluster know each other by. */
export const DEFAULT_CLUSTER_PASSWORDS = {
  NATS_ROUTE_PASSWORD: "sluice-demo-route",
  REDIS_SERVERS_PASSWORD: "sluice-demo-servers",
  REDIS_SENTINEL_PASSWORD: "sluice-demo-sentinel",
} as const;

/** A password for each of them. */
export type ClusterPasswords = Readonly<Record<keyof typeof DEFAULT_CLUSTER_PASSWORDS, string>>;

/** A password for each user of the demo's NATS and Redis. */
export type DemoPasswords = Readonly<Record<keyof typeof DEFAULT_PASSWORDS, string>>;

/** The passwords that the environment gives, and for the rest the demo's own, which are public. */
export function readPasswords(env: NodeJS.ProcessEnv): DemoPasswords {
  return readOr(DEFAULT_PASSWORDS, env);
}

/** The same for those of a cluster. */
export function readClusterPasswords(env: NodeJS.ProcessEnv): ClusterPasswords {
  return readOr(DEFAULT_CLUSTER_PASSWORDS, env);
}

function readOr<Name extends string>(
  defaults: Readonly<Record<Name, string>>,
  env: NodeJS.ProcessEnv,
): Readonly<Record<Name, string>> {
  const names = Object.keys(defaults) as Name[];
  const entries = names.map((name) => [name, env[name] || defaults[name]] as const);
  return Object.fromEntries(entries) as Record<Name, string>;
}

/** The services of the demo; webhooks are posted by a process of the edge. */
export type DemoService = "auth" | "policy" | "publish" | "stream" | "webhooks";

/** The settings of the services in the demo, each on top of what all share. Paths are relative to the project. */
export function demoSettings(ports: DemoPorts, passwords: DemoPasswords): Record<DemoService, NodeJS.ProcessEnv> {
  const pages = ["localhost", ...USERS.map((user) => `${user}.localhost`)];
  const origins = pages.map((host) => `http://${host}:${ports.STREAM_HTTP_PORT}`).join(",");
  const consoles = pages.map((host) => `http://${host}:${ports.POLICY_HTTP_PORT}`).join(",");
  const shared = sharedSettings(ports);
  const natsUrl = (user: string, password: string): string =>
    `nats://${user}:${encodeURIComponent(password)}@127.0.0.1:${ports.NATS_PORT}`;
  const redisUrl = (user: string, password: string): string =>
    `redis://${user}:${encodeURIComponent(password)}@127.0.0.1:${ports.REDIS_PORT}`;
  return {
    auth: {
      ...shared,
      NATS_URL: natsUrl("auth", passwords.NATS_AUTH_PASSWORD),
      REDIS_URL: redisUrl("auth", passwords.REDIS_AUTH_PASSWORD),
      AUTH_USERS_FILE: "infra/demo/users.yaml",
      AUTH_CLIENTS_FILE: "infra/demo/clients.yaml",
      POLICY_OPERATOR_TOKEN: DEMO_OPERATOR_TOKEN,
      AUTH_ALLOWED_ORIGINS: `${origins},${consoles}`,
    },
    policy: {
      ...shared,
      NATS_URL: natsUrl("policy", passwords.NATS_POLICY_PASSWORD),
      POLICY_DOCUMENTS_DIR: "infra/policies",
      AUTH_ISSUERS_FILE: DEMO_ISSUERS_FILE,
      POLICY_OPERATOR_TOKEN: DEMO_OPERATOR_TOKEN,
      POLICY_ALLOWED_ORIGINS: origins,
      POLICY_PUBLISH_URL: `http://localhost:${ports.PUBLISH_HTTP_PORT}`,
      POLICY_OPS_URLS: opsUrlsOf(ports),
    },
    publish: {
      ...shared,
      NATS_URL: natsUrl("publish", passwords.NATS_PUBLISH_PASSWORD),
      REDIS_URL: redisUrl("publish", passwords.REDIS_PUBLISH_PASSWORD),
      AUTH_ISSUERS_FILE: DEMO_ISSUERS_FILE,
      PUBLISH_ALLOWED_ORIGINS: `${origins},${consoles}`,
    },
    stream: {
      ...shared,
      NATS_URL: natsUrl("stream", passwords.NATS_STREAM_PASSWORD),
      REDIS_URL: redisUrl("stream", passwords.REDIS_STREAM_PASSWORD),
      AUTH_ISSUERS_FILE: DEMO_ISSUERS_FILE,
      STREAM_ALLOWED_ORIGINS: origins,
    },
    webhooks: {
      ...shared,
      NATS_URL: natsUrl("stream", passwords.NATS_STREAM_PASSWORD),
      STREAM_WEBHOOK_SECRETS_FILE: DEMO_WEBHOOK_SECRETS_FILE,
      // Whoever tries the demo has their receiver here.
      STREAM_WEBHOOK_HOSTS: "localhost,127.0.0.1",
    },
  };
}

function sharedSettings(ports: DemoPorts): NodeJS.ProcessEnv {
  return {
    SLUICE_DEMO: "1",
    ...Object.fromEntries(Object.entries(ports).map(([variable, port]) => [variable, String(port)])),
    AUTH_ISSUER: `http://localhost:${ports.AUTH_HTTP_PORT}`,
    AUTH_JWKS_URL: `http://127.0.0.1:${ports.AUTH_HTTP_PORT}/.well-known/jwks.json`,
    AUTH_GRPC_URL: `127.0.0.1:${ports.AUTH_GRPC_PORT}`,
    POLICY_GRPC_URL: `127.0.0.1:${ports.POLICY_GRPC_PORT}`,
  };
}

/** Where policy asks the others how they are. */
function opsUrlsOf(ports: DemoPorts): string {
  const asked = {
    auth: ports.AUTH_OPS_PORT,
    publish: ports.PUBLISH_OPS_PORT,
    stream: ports.STREAM_OPS_PORT,
    webhooks: ports.WEBHOOKS_OPS_PORT,
  };
  return Object.entries(asked)
    .map(([name, port]) => `${name}=http://127.0.0.1:${port}`)
    .join(",");
}
