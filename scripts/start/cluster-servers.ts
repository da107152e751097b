import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { prepareBus } from "../bus/prepare-bus.ts";
import { type DemoPorts, type DemoService, readClusterPasswords, readPasswords } from "../demo-settings.ts";
import type { ServerCommand } from "./child-server.ts";
import {
  clusterSettings,
  httpPortOf,
  nthPort,
  PAIR,
  prefixOf,
  routePort,
  sentinelPort,
  TRIPLE,
} from "./cluster-settings.ts";
import { saidIn } from "./demo-servers.ts";
import { PROXIED, type ProxiedService, PROXY_BUSY_FILE, writeProxyConfig } from "./proxy-config.ts";
import { writeReplicatedRedisConfig, writeSentinelConfig } from "./redis-config.ts";
import { natsCommand, proxyCommand, redisCommand, sentinelCommand, serviceCommand } from "./server-commands.ts";

/**
 * The servers of a cluster on this machine, in rows as those of the demo: three of NATS, two of Redis with three Sentinels, a
 * proxy, and two of each service.
 */
export async function clusterServers(
  ports: DemoPorts,
  dataFolder: string,
  given: NodeJS.ProcessEnv,
): Promise<ServerCommand[][]> {
  const passwords = { ...readPasswords(given), ...readClusterPasswords(given) };
  const plan: Plan = { ports, dataFolder, passwords, env: { ...given, ...readPasswords(given) } };
  const settings = clusterSettings(ports, passwords);
  const service = (name: DemoService): ServerCommand[] =>
    PAIR.map((n) =>
      serviceCommand(name, {
        name: `${name}-${n}`,
        opsPort: opsPortOf(ports, name, n),
        env: { ...settings[name], ...saidIn(plan.env), ...portsOf(ports, name, n) },
      }),
    );
  return [
    [...(await natsServers(plan)), ...(await redisServers(plan))],
    [...(await sentinels(plan)), await proxy(plan)],
    [...service("policy"), ...service("auth")],
    [...service("stream"), ...service("publish"), ...service("webhooks")],
  ];
}

interface Plan {
  readonly ports: DemoPorts;
  readonly dataFolder: string;
  readonly passwords: ReturnType<typeof readPasswords> & ReturnType<typeof readClusterPasswords>;
  readonly env: NodeJS.ProcessEnv;
}

async function natsServers({ ports, dataFolder, passwords, env }: Plan): Promise<ServerCommand[]> {
  const config = join(dataFolder, "nats-config");
  await prepareBus(config);
  return Promise.all(
    TRIPLE.map(async (n) => {
      const name = `nats-${n}`;
      const others = TRIPLE.filter((other) => other !== n).map((other) => routePort(ports, other));
      const route = `nats://route:${encodeURIComponent(passwords.NATS_ROUTE_PASSWORD)}@127.0.0.1`;
      const place = {
        name,
        port: nthPort(ports, "NATS_PORT", n),
        folder: await makeFolder(dataFolder, name),
        config: join(config, "cluster", "nats.conf"),
      };
      return natsCommand(place, {
        ...env,
        NATS_ROUTE_PASSWORD: passwords.NATS_ROUTE_PASSWORD,
        NATS_SERVER_NAME: name,
        NATS_CLUSTER_LISTEN: `127.0.0.1:${routePort(ports, n)}`,
        NATS_ROUTES: JSON.stringify(others.map((port) => `${route}:${port}`)),
        NATS_SYNC_INTERVAL: env["NATS_SYNC_INTERVAL"] || "120s",
      });
    }),
  );
}

async function redisServers({ ports, dataFolder, passwords, env }: Plan): Promise<ServerCommand[]> {
  const primary = await primaryPort(ports, dataFolder);
  return Promise.all(
    PAIR.map(async (n) => {
      const name = `redis-${n}`;
      const folder = await makeFolder(dataFolder, name);
      const config = await writeReplicatedRedisConfig(folder, passwords);
      const port = nthPort(ports, "REDIS_PORT", n);
      const more = port === primary ? [] : ["--replicaof", `127.0.0.1 ${primary}`];
      return redisCommand({ name, port, folder, config }, env, more);
    }),
  );
}

async function sentinels({ ports, dataFolder, passwords, env }: Plan): Promise<ServerCommand[]> {
  const primary = await primaryPort(ports, dataFolder);
  return Promise.all(
    TRIPLE.map(async (n) => {
      const name = `sentinel-${n}`;
      const folder = await makeFolder(dataFolder, name);
      const port = sentinelPort(ports, n);
      const config = await writeSentinelConfig(folder, { port, primaryPort: primary }, passwords);
      return sentinelCommand({ name, port, folder, config }, env);
    }),
  );
}

/** The primary when the cluster last ran, as the Sentinel says that knows of the latest failover: another server would have older data. */
async function primaryPort(ports: DemoPorts, dataFolder: string): Promise<number> {
  const files = TRIPLE.map((n) => join(dataFolder, `sentinel-${n}`, "sentinel.conf"));
  const known = await Promise.all(files.map((file) => readFile(file, "utf8").catch(() => "")));
  const told = known.flatMap((text) => {
    const port = /^sentinel monitor sluice \S+ (\d+)/m.exec(text)?.[1];
    const epoch = /^sentinel config-epoch sluice (\d+)/m.exec(text)?.[1];
    return port === undefined ? [] : [{ port: Number(port), epoch: Number(epoch ?? 0) }];
  });
  const [latest] = told.toSorted((one, other) => other.epoch - one.epoch);
  const second = nthPort(ports, "REDIS_PORT", 2);
  return latest?.port === second ? second : ports.REDIS_PORT;
}

async function proxy({ ports, dataFolder, env }: Plan): Promise<ServerCommand> {
  const placesOf = (service: ProxiedService) =>
    PAIR.map((n) => ({ httpPort: httpPortOf(ports, service, n), opsPort: opsPortOf(ports, service, n) }));
  const config = await writeProxyConfig(await makeFolder(dataFolder, "proxy"), {
    stream: placesOf("stream"),
    auth: placesOf("auth"),
    policy: placesOf("policy"),
    publish: placesOf("publish"),
  });
  const fronts = PROXIED.map((service) => `${prefixOf(service)}_HTTP_PORT` as const);
  return proxyCommand(
    { name: "proxy", port: ports.STREAM_HTTP_PORT, config },
    {
      ...env,
      ...Object.fromEntries(fronts.map((variable) => [variable, String(ports[variable])])),
      PROXY_BIND_ADDRESS: "127.0.0.1",
      SLUICE_BUSY: PROXY_BUSY_FILE,
    },
  );
}

function opsPortOf(ports: DemoPorts, service: DemoService, n: number): number {
  return nthPort(ports, `${prefixOf(service)}_OPS_PORT`, n);
}

/** The ports of the nth process of a service, which are its own whatever the environment says. */
function portsOf(ports: DemoPorts, service: DemoService, n: number): NodeJS.ProcessEnv {
  if (service === "webhooks") {
    return { STREAM_ROLE: "webhooks", STREAM_WORKERS: "1", STREAM_OPS_PORT: String(opsPortOf(ports, service, n)) };
  }
  const prefix = prefixOf(service);
  const grpc =
    service === "auth" || service === "policy" ? nthPort(ports, `${prefixOf(service)}_GRPC_PORT`, n) : undefined;
  return {
    [`${prefix}_HTTP_PORT`]: String(httpPortOf(ports, service, n)),
    [`${prefix}_OPS_PORT`]: String(opsPortOf(ports, service, n)),
    ...(grpc === undefined ? {} : { [`${prefix}_GRPC_PORT`]: String(grpc) }),
  };
}

async function makeFolder(dataFolder: string, name: string): Promise<string> {
  const folder = join(dataFolder, name);
  await mkdir(folder, { recursive: true });
  return folder;
}
