import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "./ports.ts";
import { isHealthyAt, NATS_PASSWORD, type NatsServer, type NatsUser, startNatsServer } from "./start-nats.ts";
import type { Bus } from "./start-stack.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
import { waitFor } from "./wait.ts";

const CONFIG = fileURLToPath(new URL("../../infra/nats/cluster/nats.conf", import.meta.url));

/** The place of a broker among the three: 0, 1 or 2. */
export type NodeIndex = 0 | 1 | 2;

/** A broker of a cluster. */
export interface ClusterNode extends NatsServer {
  /** `nats-1` and so on, as JetStream names leaders. */
  readonly name: string;
  /** The network between the broker and its clients, as far as they come by `NatsCluster.url`. */
  readonly clients: TcpProxy;
  /** Whether it follows: all that it keeps is as the others have it. */
  isHealthy(): Promise<boolean>;
}

/** Three nats-servers with the project's own configuration, as one cluster: streams may have three replicas. */
export interface NatsCluster extends AsyncDisposable {
  readonly nodes: readonly [ClusterNode, ClusterNode, ClusterNode];
  /** All three for that user, each behind a proxy of its own. */
  url(user: NatsUser): string;
  /** Cuts a node off from the other two without closing a connection; undefined joins all again. */
  isolate(node: NodeIndex | undefined): void;
  /** Nothing that `from` sends reaches `to` any more, and what `to` sends still comes; `isolate(undefined)` ends it. */
  deafen(to: NodeIndex, from: NodeIndex): void;
}

/** Each node calls both others, through a proxy of its own for each. */
const CALLS = ([0, 1, 2] as const).flatMap((from) =>
  ([0, 1, 2] as const).filter((to) => to !== from).map((to) => ({ from, to })),
);

/** The broker that leads the tenant's log, by its name; waits until one does. */
export function leaderOf(bus: Pick<Bus, "manager">, tenant: string): Promise<string> {
  return waitFor(
    `a leader of ${tenant}`,
    async () => {
      const { streams } = await bus.manager();
      return (await streams.info(`EVENTS_${tenant}`).catch(() => undefined))?.cluster?.leader;
    },
    30_000,
  );
}

/** Starts the cluster. It has a leader a moment later: repeat requests that need one. */
export async function startNatsCluster({
  syncInterval = "120s",
  disks,
}: { readonly syncInterval?: string; readonly disks?: readonly string[] } = {}): Promise<NatsCluster> {
  await using starting = new AsyncDisposableStack();
  const routePorts = await Promise.all([freePort(), freePort(), freePort()]);
  const calls: { readonly from: NodeIndex; readonly to: NodeIndex; readonly proxy: TcpProxy }[] = [];
  for (const { from, to } of CALLS) {
    calls.push({ from, to, proxy: starting.use(await startTcpProxy(routePorts[to] ?? 0)) });
  }
  const startNode = async (node: NodeIndex): Promise<ClusterNode> => {
    const routes = calls.filter(({ from }) => from === node).map(({ proxy }) => proxy.port);
    const at = {
      name: `nats-${node + 1}`,
      syncInterval,
      routePort: routePorts[node] ?? 0,
      routes,
      disk: disks?.[node] ?? tmpdir(),
    };
    return starting.use(await startClusterNode(at));
  };
  const nodes = await Promise.all([startNode(0), startNode(1), startNode(2)]);
  const stack = starting.move();
  return {
    nodes,
    url: (user) => {
      const servers = nodes.map(({ clients }) => `127.0.0.1:${clients.port}`).join(",");
      return `nats://${user}:${NATS_PASSWORD}@${servers}`;
    },
    isolate(node) {
      for (const { from, to, proxy } of calls) proxy.set(from === node || to === node ? "blackhole" : "pass");
    },
    deafen(to, from) {
      for (const call of calls) {
        if (call.from === from && call.to === to) call.proxy.set("no-requests");
        if (call.from === to && call.to === from) call.proxy.set("no-replies");
      }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function startClusterNode(at: {
  readonly name: string;
  readonly syncInterval: string;
  readonly routePort: number;
  readonly routes: readonly number[];
  readonly disk: string;
}): Promise<ClusterNode> {
  await using starting = new AsyncDisposableStack();
  const [port, monitorPort] = await Promise.all([freePort(), freePort()]);
  const clients = starting.use(await startTcpProxy(port));
  const server = starting.use(
    await startNatsServer({
      config: CONFIG,
      port,
      storeDir: await mkdtemp(join(at.disk, `sluice-${at.name}-`)),
      // Others get an address without a server, so that they call through the proxies only.
      more: [
        "-m",
        `${monitorPort}`,
        "--cluster_advertise",
        "127.0.0.1:1",
        "--client_advertise",
        `127.0.0.1:${clients.port}`,
      ],
      env: {
        NATS_SERVER_NAME: at.name,
        NATS_SYNC_INTERVAL: at.syncInterval,
        NATS_CLUSTER_LISTEN: `127.0.0.1:${at.routePort}`,
        NATS_ROUTE_PASSWORD: NATS_PASSWORD,
        NATS_ROUTES: JSON.stringify(at.routes.map((proxy) => `nats://route:${NATS_PASSWORD}@127.0.0.1:${proxy}`)),
      },
    }),
  );
  const stack = starting.move();
  return {
    ...server,
    get pid() {
      return server.pid;
    },
    name: at.name,
    clients,
    isHealthy: () => isHealthyAt(monitorPort),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
