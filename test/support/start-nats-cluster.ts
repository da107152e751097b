import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { freePort } from "./ports.ts";
import { NATS_CONFIG, type NatsServer, startNatsServer } from "./start-nats.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

/** Three nats-servers with the project's own configuration, as one cluster: streams may have three replicas. */
export interface NatsCluster extends AsyncDisposable {
  /** Named `node-0`, `node-1` and `node-2`. */
  readonly nodes: readonly [NatsServer, NatsServer, NatsServer];
  /** Cuts a node off from the other two without closing a connection; undefined joins all again. */
  isolate(node: number | undefined): void;
}

/** Each node calls both others, through a proxy of its own for each. */
const CALLS = [0, 1, 2].flatMap((from) => [0, 1, 2].filter((to) => to !== from).map((to) => ({ from, to })));

/** Starts the cluster. It has a leader a moment later: repeat requests that need one. */
export async function startNatsCluster(): Promise<NatsCluster> {
  await using starting = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "sluice-cluster-"));
  starting.defer(() => rm(folder, { recursive: true }));
  // What the configuration includes lies beside it.
  await cp(dirname(NATS_CONFIG), folder, { recursive: true });
  const routePorts = await Promise.all([freePort(), freePort(), freePort()]);
  const calls: { readonly from: number; readonly to: number; readonly proxy: TcpProxy }[] = [];
  for (const { from, to } of CALLS) {
    calls.push({ from, to, proxy: starting.use(await startTcpProxy(routePorts[to] ?? 0)) });
  }
  const startNode = async (node: number): Promise<NatsServer> => {
    const config = join(folder, `${node}.conf`);
    const routes = calls.filter(({ from }) => from === node).map(({ proxy }) => proxy.port);
    await writeFile(config, (await readFile(NATS_CONFIG, "utf8")) + clusterOf(node, routePorts[node] ?? 0, routes));
    const storeDir = await mkdtemp(join(tmpdir(), `sluice-nats-${node}-`));
    return starting.use(await startNatsServer({ config, port: await freePort(), storeDir }));
  };
  const nodes = [await startNode(0), await startNode(1), await startNode(2)] as const;
  const stack = starting.move();
  return {
    nodes,
    isolate(node) {
      for (const { from, to, proxy } of calls) proxy.set(from === node || to === node ? "blackhole" : "pass");
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** The last value of a setting counts. Nodes get an address without a server, so that they call through the proxies only. */
function clusterOf(node: number, port: number, routes: readonly number[]): string {
  return `
server_name: node-${node}
cluster {
  name: sluice
  listen: "127.0.0.1:${port}"
  advertise: "127.0.0.1:1"
  routes: [${routes.map((proxy) => `"nats://127.0.0.1:${proxy}"`).join(", ")}]
}
`;
}
