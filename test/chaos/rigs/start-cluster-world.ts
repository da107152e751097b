import { mountSmallDisk, type SmallDisk } from "#test/support/small-disk.ts";
import { createOwnClock, type OwnClock } from "#test/support/own-clock.ts";
import { type Cluster, type ClusterProcessName, startCluster } from "#test/support/start-cluster.ts";
import { type ClusterNode, leaderOf, type NodeIndex } from "#test/support/start-nats-cluster.ts";
import type { Bus } from "#test/support/start-stack.ts";
import type { BrokerCluster, Component, Process, World } from "../world.ts";
import { createLinks } from "./service-links.ts";
import { createStores } from "./create-stores.ts";
import { SESSIONS, writeTenantFiles } from "./tenant-files.ts";

const COMPONENTS: Readonly<Record<string, Component>> = { nats: "broker", stream: "edge" };

/** Starts the full cluster: three brokers, Redis with a replica and a Sentinel, two of each service, two workers in each edge, and a proxy. */
export async function startClusterWorld(): Promise<World> {
  await using starting = new AsyncDisposableStack();
  const files = starting.use(await writeTenantFiles());
  const disks = await mountDisks(starting);
  const links = starting.use(createLinks());
  const clocks = new Map<string, OwnClock>();
  const cluster = starting.use(
    await startCluster({
      ...(disks && { disks: disks.map(({ path }) => path) }),
      env: {
        auth: { ...SESSIONS, AUTH_USERS_FILE: files.users },
        policy: { POLICY_DOCUMENTS_DIR: files.policies },
      },
      async change(name, env) {
        const clock = starting.use(await createOwnClock());
        clocks.set(name, clock);
        return { ...clock.env, ...(await links.leadThrough(name, env)) };
      },
    }),
  );
  const operator = await cluster.bus("policy");
  const brokers = cluster.nats.nodes.map(({ name, storeDir }) => {
    return { process: cluster.process(name as ClusterProcessName), storeDir };
  });
  const stores = starting.use(await createStores(brokers));
  const stack = starting.move();
  const processes = cluster.names.map((name) => processOf(cluster, name));
  return {
    calls: cluster,
    processes,
    links: [...links.all, ...brokerLinks(cluster)],
    hasWorkers: true,
    brokers: brokersOf(cluster, operator),
    home: undefined,
    stores,
    authUrls: urlsOf(cluster, "auth"),
    publishUrls: urlsOf(cluster, "publish"),
    doors: [
      ...urlsOf(cluster, "stream").map((url, index) => ({ name: `stream-${index + 1}`, url })),
      { name: "proxy", url: cluster.urls.stream },
    ],
    natsUrl: (user) => cluster.nats.url(user),
    bus: (user) => cluster.bus(user),
    setClock: async ({ name }, aheadMs) => clocks.get(name)?.set(aheadMs),
    diskOf: ({ name }) => disks?.[indexOf(name)],
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function mountDisks(stack: AsyncDisposableStack): Promise<readonly SmallDisk[] | undefined> {
  const disks: SmallDisk[] = [];
  for (let n = 0; n < 3; n += 1) {
    const disk = await mountSmallDisk();
    if (disk === undefined) return undefined;
    disks.push(stack.use(disk));
  }
  return disks;
}

function processOf(cluster: Cluster, name: ClusterProcessName): Process {
  const kind = name.replace(/-\d$/, "");
  const running = cluster.process(name);
  return {
    ...running,
    get pid() {
      return running.pid;
    },
    component: COMPONENTS[kind] ?? (kind as Component),
    isReady: () => isReady(cluster, name),
  };
}

async function isReady(cluster: Cluster, name: ClusterProcessName): Promise<boolean> {
  if (name.startsWith("nats-")) return nodeNamed(cluster, name).isHealthy();
  if (!/^(auth|policy|publish|stream)-/.test(name)) return cluster.process(name).pid > 0;
  const { ops } = cluster.ports(name as Parameters<Cluster["ports"]>[0]);
  return fetch(`http://127.0.0.1:${ops}/readyz`, { signal: AbortSignal.timeout(2_000) }).then(
    ({ ok }) => ok,
    () => false,
  );
}

function brokersOf({ nats }: Cluster, operator: Bus): BrokerCluster {
  return {
    leaderOf: (tenant) => leaderOf(operator, tenant),
    isolate: (broker) => nats.isolate(broker === undefined ? undefined : (indexOf(broker) as NodeIndex)),
    deafen: (to, from) => nats.deafen(indexOf(to) as NodeIndex, indexOf(from) as NodeIndex),
  };
}

/** The network between all that call the brokers and one of them, and between them and all three. */
function brokerLinks({ nats }: Cluster): World["links"] {
  const linkTo = (name: string, nodes: readonly ClusterNode[]): World["links"][number] => ({
    name: `services to ${name}`,
    from: "services",
    to: "broker",
    ports: nodes.map(({ clients }) => clients.port),
    set: (mode) => nodes.forEach(({ clients }) => clients.set(mode)),
  });
  return [...nats.nodes.map((node) => linkTo(node.name, [node])), linkTo("all brokers", nats.nodes)];
}

function nodeNamed({ nats }: Cluster, name: string): ClusterNode {
  const node = nats.nodes[indexOf(name)];
  if (node === undefined) throw new Error(`there is no broker ${name}`);
  return node;
}

/** `nats-1` is the first. */
function indexOf(name: string): number {
  return Number(name.split("-")[1]) - 1;
}

function urlsOf(cluster: Cluster, service: "auth" | "publish" | "stream"): readonly string[] {
  return ([1, 2] as const).map((number) => `http://127.0.0.1:${cluster.ports(`${service}-${number}`).http}`);
}
