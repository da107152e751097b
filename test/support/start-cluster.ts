import { builtProgram } from "../../scripts/build/build-services.ts";
import { type ServiceName, SERVICES } from "../../scripts/shared/service-calls.ts";
import {
  type ClusterProcess,
  nameProcess,
  type Restartable,
  startRestartable,
  untilHealthy,
} from "./cluster-process.ts";
import { freePort } from "./ports.ts";
import { authSettings } from "./start-auth.ts";
import { type ClusterUrls, proxyPlaces, startClusterProxy } from "./start-cluster-proxy.ts";
import { type NatsCluster, startNatsCluster } from "./start-nats-cluster.ts";
import type { NatsUser } from "./start-nats.ts";
import { type RedisPair, startRedisPair } from "./start-sentinel.ts";
import { type ServicePorts, startService } from "./start-service.ts";
import {
  type Bus,
  callsOf,
  edgeSettings,
  openBus,
  policySettings,
  publishSettings,
  type StackCalls,
} from "./start-stack.ts";
import { waitFor } from "./wait.ts";

/** `auth-1`, `auth-2`, `policy-1` and so on; `webhooks-1` and `webhooks-2` where there are such. */
export type ServiceProcessName = `${ServiceName | "webhooks"}-${1 | 2}`;

/** Those; `nats-1` to `nats-3`, `redis-1` (the first primary), `redis-2`, `sentinel`, `proxy`. */
export type ClusterProcessName = ServiceProcessName | `nats-${1 | 2 | 3}` | `redis-${1 | 2}` | "sentinel" | "proxy";

/** Everything twice or three times, each process by its name, and one proxy that clients come to. */
export interface Cluster extends StackCalls, AsyncDisposable {
  readonly names: readonly ClusterProcessName[];
  process(name: ClusterProcessName): ClusterProcess;
  /** The brokers, and the network between them. */
  readonly nats: NatsCluster;
  /** Where clients come to. */
  readonly urls: ClusterUrls;
  /** The ports of a process of a service. */
  ports(name: `${ServiceName}-${1 | 2}`): ServicePorts;
  /** A connection to all brokers as that user, closed with the cluster. */
  bus(user: NatsUser): Promise<Bus>;
}

/** What to change of the cluster. */
export interface ClusterOptions {
  /** Of each edge. */
  readonly workers?: number;
  /** `always`, or a time such as `120s`, which is the default of NATS. */
  readonly syncInterval?: string;
  /** Settings of both processes of a service. */
  readonly env?: Partial<Readonly<Record<ServiceName, NodeJS.ProcessEnv>>>;
  /** Folders for the brokers' data, one each; such as are on disks of their own. */
  readonly disks?: readonly string[];
  /** Further settings of two processes that post callbacks; without them there are none. */
  readonly webhooks?: NodeJS.ProcessEnv;
  /** The file that a process begins with, asked at each of its starts; the one that is built here by default. */
  readonly program?: (name: ServiceProcessName) => string;
  /** Changes the settings of one process, which it answers. */
  readonly change?: (name: `${ServiceName}-${1 | 2}`, usual: NodeJS.ProcessEnv) => Promise<NodeJS.ProcessEnv>;
}

/** Starts three brokers, Redis with a replica and a Sentinel, two of each service and a proxy, with the demo's tenants and people. */
export async function startCluster({
  workers = 2,
  syncInterval = "120s",
  env = {},
  disks,
  webhooks,
  program = (name) => builtProgram(serviceOf(name)),
  change = async (_, usual) => usual,
}: ClusterOptions): Promise<Cluster> {
  await using owner = new AsyncDisposableStack();
  const stack = owner.use(new AsyncDisposableStack());
  const [nats, redis, front] = await Promise.all([
    startNatsCluster({ syncInterval, ...(disks && { disks }) }),
    startRedisPair(),
    proxyPlaces(),
  ]);
  stack.use(nats);
  stack.use(redis);
  const processes = new Map<ClusterProcessName, ClusterProcess>();
  const add = (name: ClusterProcessName, server: Restartable) => processes.set(name, nameProcess(name, server));
  nats.nodes.forEach((node, index) => add(`nats-${(index + 1) as 1 | 2 | 3}`, untilHealthy(node.name, node)));
  redis.servers.forEach((server, index) => add(`redis-${(index + 1) as 1 | 2}`, server));
  add("sentinel", redis.sentinel);

  const ports = await takePorts();
  const settings = settingsOf({ nats, redis, ports, authUrl: front.urls.auth, workers });
  // The others find auth's keys behind it.
  add("proxy", stack.use(await startRestartable(() => startClusterProxy(front.env, proxied(ports)))));
  const startProcess = async (name: ServiceProcessName, own: NodeJS.ProcessEnv): Promise<void> => {
    const start = () => startService(serviceOf(name), own, { program: program(name) });
    add(name, stack.use(await startRestartable(start)));
  };
  const startOne = async (service: ServiceName, number: 1 | 2): Promise<void> => {
    const own = portSettings(service, ports[service][number - 1] as ServicePorts);
    const changed = await change(`${service}-${number}`, { ...settings[service], ...env[service] });
    await startProcess(`${service}-${number}`, { ...changed, ...own });
  };
  const startBoth = (service: ServiceName) => Promise.all([startOne(service, 1), startOne(service, 2)]);
  await Promise.all([startBoth("auth"), startBoth("policy")]);
  await Promise.all([startBoth("publish"), startBoth("stream")]);
  if (webhooks !== undefined) {
    const own = { ...settings.stream, ...webhooks, STREAM_ROLE: "webhooks" };
    await Promise.all(([1, 2] as const).map((number) => startProcess(`webhooks-${number}`, own)));
  }
  await Promise.all(Object.values(front.urls).map((url) => waitFor(`the proxy leads to ${url}`, () => isServed(url))));
  const cleanup = owner.move();
  return {
    names: [...processes.keys()],
    process: (name) => processes.get(name) as ClusterProcess,
    nats,
    urls: front.urls,
    ports: (name) => {
      const [service, number] = name.split("-") as [ServiceName, string];
      return ports[service][Number(number) - 1] as ServicePorts;
    },
    async bus(user) {
      const bus = await openBus(nats.url(user), user);
      stack.defer(() => bus.connection.close());
      return bus;
    },
    ...callsOf({ authUrl: front.urls.auth, policyUrl: front.urls.policy }),
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

/** The service that a process is of: callbacks are posted by edges in another role. */
export function serviceOf(name: ServiceProcessName): ServiceName {
  const [service] = name.split("-") as [ServiceName | "webhooks"];
  return service === "webhooks" ? "stream" : service;
}

type Pair = readonly [ServicePorts, ServicePorts];
type Ports = Readonly<Record<ServiceName, Pair>>;

/** A service that starts again has the ports that it had: the others and the proxy are told them once. */
async function takePorts(): Promise<Ports> {
  const take = async (): Promise<ServicePorts> => {
    const [http, grpc, ops] = await Promise.all([freePort(), freePort(), freePort()]);
    return { http, grpc, ops };
  };
  const pairs = SERVICES.map(async (service) => [service, [await take(), await take()]] as const);
  return Object.fromEntries(await Promise.all(pairs)) as unknown as Ports;
}

function portSettings(service: ServiceName, { http, grpc, ops }: ServicePorts): NodeJS.ProcessEnv {
  const prefix = service.toUpperCase();
  return {
    [`${prefix}_HTTP_PORT`]: `${http}`,
    [`${prefix}_OPS_PORT`]: `${ops}`,
    ...(service === "auth" || service === "policy" ? { [`${prefix}_GRPC_PORT`]: `${grpc}` } : {}),
  };
}

function settingsOf(at: {
  readonly nats: NatsCluster;
  readonly redis: RedisPair;
  readonly ports: Ports;
  readonly authUrl: string;
  readonly workers: number;
}): Readonly<Record<ServiceName, NodeJS.ProcessEnv>> {
  const { nats, redis, ports, authUrl, workers } = at;
  const grpcOf = (pair: Pair): string => pair.map(({ grpc }) => `127.0.0.1:${grpc}`).join(",");
  const peers = { authUrl, authGrpc: grpcOf(ports.auth), policyGrpc: grpcOf(ports.policy) };
  const replicated = { NATS_REPLICAS: "3" };
  const proxy = "127.0.0.0/8";
  return {
    auth: {
      ...authSettings(nats, redis),
      ...replicated,
      POLICY_GRPC_URL: peers.policyGrpc,
      AUTH_TRUSTED_PROXIES: proxy,
    },
    policy: { ...policySettings(nats, peers), ...replicated, POLICY_TRUSTED_PROXIES: proxy },
    publish: { ...publishSettings(nats, peers), REDIS_URL: redis.publishUrl, PUBLISH_TRUSTED_PROXIES: proxy },
    stream: {
      ...edgeSettings(nats, peers),
      REDIS_URL: redis.streamUrl,
      STREAM_WORKERS: `${workers}`,
      STREAM_TRUSTED_PROXIES: proxy,
    },
  };
}

function proxied(ports: Ports) {
  const placesOf = (service: ServiceName) => ports[service].map(({ http, ops }) => ({ httpPort: http, opsPort: ops }));
  return {
    stream: placesOf("stream"),
    auth: placesOf("auth"),
    policy: placesOf("policy"),
    publish: placesOf("publish"),
  };
}

/** The proxy looks once a second whether a process is ready. */
function isServed(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ status }) => status !== 503,
    () => false,
  );
}
