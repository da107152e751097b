import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { Regions } from "../../scripts/failover/regions.ts";
import { type Child, startChild } from "./child.ts";
import { freePort } from "./ports.ts";
import type { RegionName } from "./start-region-servers.ts";
import { type ProxyMode, startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
import { untilListens } from "./until-listens.ts";
import { waitFor } from "./wait.ts";

/** The server of one region, which may be stopped. */
export interface PairServer {
  readonly config: string;
  /** Where its streams are kept. */
  readonly store: string;
  /** A client of its own; undefined while the server is stopped. */
  readonly client: NatsConnection | undefined;
  /** The regions as a command sees them that runs in this one. */
  readonly regions: Regions;
  start(): Promise<void>;
  kill(): Promise<void>;
}

/** A home in two regions: a server each, in which whoever may connect may do everything, and the link that region us makes to region eu. */
export interface HomePair extends AsyncDisposable {
  readonly eu: PairServer;
  readonly us: PairServer;
  /** The network between the regions: for the link, and for commands. */
  net(mode: ProxyMode): void;
  /** Whether a region's configuration has the link. */
  setLink(region: RegionName, isOpen: boolean): Promise<void>;
}

const USER = { user: "operator", password: "test" };
const LINK_USER = { user: "link", password: "test" };

/** Starts both. */
export async function startHomePair(): Promise<HomePair> {
  await using starting = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "sluice-pair-"));
  starting.defer(() => rm(folder, { recursive: true, force: true }));
  const ports = { eu: await freePort(), us: await freePort() };
  const leafPort = await freePort();
  const proxies: TcpProxy[] = [];
  const behindProxy = async (port: number): Promise<number> => {
    const proxy = starting.use(await startTcpProxy(port));
    proxies.push(proxy);
    return proxy.port;
  };
  const link = await behindProxy(leafPort);
  const far = { eu: await behindProxy(ports.eu), us: await behindProxy(ports.us) };
  // Who makes the link is told not to; who takes it forgets the other's user.
  const write = async (region: RegionName, isOpen: boolean): Promise<void> => {
    const users = region === "us" || !isOpen ? [USER] : [USER, LINK_USER];
    await writeFile(join(folder, `${region}-users.conf`), `users: [${users.map(userOf).join(", ")}]\n`);
    if (region === "us") await writeFile(join(folder, "link.conf"), `disabled: ${!isOpen}\n`);
  };
  await write("eu", true);
  await write("us", true);
  const configs = { eu: join(folder, "eu.conf"), us: join(folder, "us.conf") };
  await writeFile(configs.eu, configOf("eu", ports.eu, folder, `listen: "127.0.0.1:${leafPort}", no_advertise: true`));
  await writeFile(configs.us, configOf("us", ports.us, folder, `reconnect: "1s", remotes: [${remoteOf(link)}]`));
  const place = (port: number) => ({
    scheme: "nats",
    ...USER,
    servers: [{ host: "127.0.0.1", port }] as const,
    path: "",
  });
  const seenFrom = (here: RegionName): Regions =>
    new Map((["eu", "us"] as const).map((each) => [each, place(each === here ? ports[each] : far[each])]));
  const open = async (region: RegionName) =>
    starting.use(
      await startPairServer(region, {
        port: ports[region],
        config: configs[region],
        store: join(folder, region),
        regions: seenFrom(region),
      }),
    );
  const [eu, us] = [await open("eu"), await open("us")];
  const stack = starting.move();
  return {
    eu,
    us,
    net: (mode) => proxies.forEach((proxy) => proxy.set(mode)),
    async setLink(region, isOpen) {
      await write(region, isOpen);
      await { eu, us }[region].reload();
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

interface PairProcess extends PairServer, AsyncDisposable {
  /** Has it read its configuration anew, where it runs. */
  reload(): Promise<void>;
}

async function startPairServer(
  region: RegionName,
  { port, config, store, regions }: Pick<PairServer, "config" | "store" | "regions"> & { readonly port: number },
): Promise<PairProcess> {
  let child: Child;
  let client: NatsConnection | undefined;
  const start = async (): Promise<void> => {
    child = startChild("nats-server", ["-c", config], {});
    await untilListens(`region ${region}`, child, port);
    client = await connect({ servers: `127.0.0.1:${port}`, user: USER.user, pass: USER.password, reconnect: false });
  };
  const kill = async (): Promise<void> => {
    await client?.close();
    client = undefined;
    await child.end("SIGKILL");
  };
  await start();
  return {
    config,
    store,
    regions,
    get client() {
      return client;
    },
    start,
    kill,
    async reload() {
      if (client === undefined) return;
      const count = (): number => child.output().split("Reloaded server configuration").length;
      const before = count();
      child.process.kill("SIGHUP");
      await waitFor("the server has read it", () => count() > before);
    },
    [Symbol.asyncDispose]: kill,
  };
}

function configOf(region: RegionName, port: number, folder: string, leafNodes: string): string {
  return `server_name: ${region}
listen: "127.0.0.1:${port}"
ping_interval: "5s"
jetstream { domain: ${region}, store_dir: "${join(folder, region)}" }
leafnodes { ${leafNodes} }
accounts {
  HOME { jetstream: enabled, include "${region}-users.conf" }
}
`;
}

function userOf({ user, password }: typeof USER): string {
  return `{ user: ${user}, password: ${password} }`;
}

function remoteOf(port: number): string {
  return `{
  urls: ["nats-leaf://${LINK_USER.user}:${LINK_USER.password}@127.0.0.1:${port}"], account: HOME
  ignore_discovered_servers: true, include "link.conf"
}`;
}
