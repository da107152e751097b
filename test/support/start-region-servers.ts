import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nkeys } from "@nats-io/transport-node";
import { prepareRegion } from "../../scripts/bus/prepare-bus.ts";
import type { Region } from "../../scripts/region/region-config.ts";
import { addProducer } from "../../scripts/bus/producers.ts";
import { freePort } from "./ports.ts";
import { isHealthyAt, NATS_PASSWORD, type NatsServer, startNatsServer } from "./start-nats.ts";
import { type ProxyMode, startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
import type { IdentityOptions, TestCertificates } from "./tls.ts";

/** The two regions. Each is the home of the same name, and holds the other's mirror. */
export type RegionName = "eu" | "us";

/** A broker of a region. */
export interface RegionServer extends NatsServer {
  /** Whether it follows: all that it keeps is as the others of its region have it. */
  isHealthy(): Promise<boolean>;
}

/** The brokers of a region. */
export interface RegionServers {
  readonly name: RegionName;
  /** One, or three as a cluster. */
  readonly servers: readonly [RegionServer, ...RegionServer[]];
  /** The seeds of the producers of a home of the other region, by tenant. */
  readonly seeds: ReadonlyMap<string, string>;
  /** Where the first of them takes links. */
  readonly leafPort: number;
  /** The seed by which they link to the other region. */
  readonly linkSeed: string;
  /** All of them for that user, each through the port that `through` answers for its own. */
  url(user: string, through?: (port: number) => number): string;
  /** Where the configuration of the first of them is, as `sluice region config` has written it. */
  readonly folder: string;
  /** The process id file of the first of them. */
  readonly pidFile: string;
}

/** The state of what connects two regions. */
export type LinkMode = ProxyMode | "one-way";

/** Two regions, as `sluice region config` sets them up, linked through proxies. */
export interface RegionBrokers extends AsyncDisposable {
  readonly eu: RegionServers;
  readonly us: RegionServers;
  /** The state of the link: a `one-way` cut lets through what region us sends. */
  link(mode: LinkMode): void;
  /** The ports that what crosses the link goes to. */
  readonly linkPorts: readonly number[];
}

/** How the brokers are to be. */
export interface RegionBrokerOptions {
  /** The servers of each region. */
  readonly servers?: 1 | 3;
  /** Tenants of home eu that have producers in region us. */
  readonly producersInUs?: readonly string[];
  /** The link has TLS, with certificates of this authority. */
  readonly certificates?: TestCertificates;
}

/** Starts the brokers. */
export async function startRegionBrokers({
  servers = 1,
  producersInUs = [],
  certificates,
}: RegionBrokerOptions = {}): Promise<RegionBrokers> {
  await using starting = new AsyncDisposableStack();
  const proxies: { readonly caller: RegionName; readonly proxy: TcpProxy }[] = [];
  const plans = await planRegions(servers);
  const start = async (name: RegionName, producers: readonly string[]): Promise<RegionServers> => {
    const other = plans[name === "eu" ? "us" : "eu"];
    const urls: string[] = [];
    for (const port of other.leafPorts) {
      const proxy = starting.use(await startTcpProxy(port));
      proxies.push({ caller: name, proxy });
      // The certificates are for this name.
      urls.push(certificates === undefined ? `nats-leaf://127.0.0.1:${proxy.port}` : `tls://localhost:${proxy.port}`);
    }
    const tls = certificates && (await issueFor(name, certificates));
    return startRegion(plans[name], other, { urls, producers, tls }, starting);
  };
  const [eu, us] = [await start("eu", []), await start("us", producersInUs)];
  const stack = starting.move();
  return {
    eu,
    us,
    link(mode) {
      for (const { caller, proxy } of proxies) proxy.set(mode === "one-way" ? cutOneWay(caller) : mode);
    },
    linkPorts: proxies.map(({ proxy }) => proxy.port),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Writes a certificate for both ends of a link, and answers the files that a server takes. */
export async function issueFor(
  name: string,
  certificates: TestCertificates,
  options: IdentityOptions = {},
): Promise<NonNullable<Region["tls"]>> {
  const files = await certificates.issue(name, { dnsName: "localhost", ...options });
  return { caFile: files.GRPC_TLS_CA_FILE, certFile: files.GRPC_TLS_CERT_FILE, keyFile: files.GRPC_TLS_KEY_FILE };
}

/** What the caller sends passes where that is region us. */
function cutOneWay(caller: RegionName): ProxyMode {
  return caller === "us" ? "no-replies" : "pass";
}

interface RegionPlan {
  readonly name: RegionName;
  readonly publicKey: string;
  readonly seed: string;
  readonly leafPorts: readonly number[];
  readonly routePorts: readonly number[];
}

async function planRegions(servers: number): Promise<Record<RegionName, RegionPlan>> {
  const ports = () => Promise.all(Array.from({ length: servers }, () => freePort()));
  const plan = async (name: RegionName): Promise<RegionPlan> => {
    const key = nkeys.createUser();
    const keys = { publicKey: key.getPublicKey(), seed: new TextDecoder().decode(key.getSeed()) };
    return { name, ...keys, leafPorts: await ports(), routePorts: await ports() };
  };
  return { eu: await plan("eu"), us: await plan("us") };
}

interface RegionLinks {
  readonly urls: readonly string[];
  readonly producers: readonly string[];
  readonly tls: Region["tls"];
}

async function startRegion(
  { name, seed, leafPorts, routePorts }: RegionPlan,
  other: RegionPlan,
  { urls, producers, tls }: RegionLinks,
  starting: AsyncDisposableStack,
): Promise<RegionServers> {
  const folder = await mkdtemp(join(tmpdir(), `sluice-region-${name}-`));
  starting.defer(() => rm(folder, { recursive: true }));
  const { variables } = await prepareRegion(folder, {
    name,
    listen: `127.0.0.1:${leafPorts[0]}`,
    homes: [{ name: other.name, urls: [...urls] }],
    peers: [{ region: other.name, keys: [other.publicKey] }],
    ...(tls && { tls }),
  });
  const seeds = new Map<string, string>();
  for (const tenant of producers) seeds.set(tenant, (await addProducer(folder, { tenant, home: other.name })).seed);
  const passwords = Object.fromEntries(variables.map((each) => [each, NATS_PASSWORD]));
  const main = await readFile(join(folder, "nats.conf"), "utf8");
  const started = await Promise.all(
    leafPorts.map(async (leafPort, index) => {
      const config = join(folder, index === 0 && routePorts.length === 1 ? "nats.conf" : `${index}.conf`);
      await writeFile(config, main.replace(`:${leafPorts[0]}"`, `:${leafPort}"`) + clusterOf(name, index, routePorts));
      const storeDir = await mkdtemp(join(tmpdir(), `sluice-nats-${name}-${index}-`));
      const env = { ...passwords, NATS_LINK_SEED: seed };
      const [port, monitorPort] = [await freePort(), await freePort()];
      const more = ["-P", pidFileOf(folder, index), "-m", String(monitorPort)];
      const server = await startNatsServer({ config, port, storeDir, more, env });
      return Object.assign(server, { isHealthy: () => isHealthyAt(monitorPort) });
    }),
  );
  for (const server of started) starting.use(server);
  const [leafPort = 0] = leafPorts;
  return {
    name,
    servers: started as unknown as RegionServers["servers"],
    seeds,
    leafPort,
    linkSeed: seed,
    folder,
    pidFile: pidFileOf(folder, 0),
    url(user, through = (port) => port) {
      const hosts = started.map(({ port }) => `127.0.0.1:${through(port)}`);
      return `nats://${user}:${NATS_PASSWORD}@${hosts.join(",")}`;
    },
  };
}

function pidFileOf(folder: string, index: number): string {
  return join(folder, `${index}.pid`);
}

/** The last value of a setting counts. The cluster of a region has its name: a link between clusters of one name is refused. */
function clusterOf(region: string, index: number, routePorts: readonly number[]): string {
  if (routePorts.length === 1) return "";
  const routes = routePorts.filter((_, other) => other !== index).map((port) => `"nats://127.0.0.1:${port}"`);
  return `
server_name: ${region}-${index}
cluster { name: "${region}", listen: "127.0.0.1:${routePorts[index]}", routes: [${routes.join(", ")}] }
`;
}
