import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NATS_PASSWORD } from "./start-nats.ts";
import type { LinkMode, RegionName } from "./start-region-servers.ts";
import { type Regions, type RegionsOptions, startRegions, userOf } from "./start-regions.ts";
import { type RunningService, startService } from "./start-service.ts";
import { type Bus, callsOf, type StackCalls } from "./start-stack.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

/** Two regions with an edge and a publisher in each, which serve tenant `demo` of home eu. */
export interface RegionEdges extends StackCalls, AsyncDisposable {
  readonly regions: Regions;
  readonly edges: Readonly<Record<RegionName, RunningService>>;
  readonly publishers: Readonly<Record<RegionName, RunningService>>;
  /** The address of a stream at each edge. */
  urls(query: string): Readonly<Record<RegionName, string>>;
  /** Has all that connects region us with eu be in this mode: the link of the buses, and what us asks of eu's auth and policy. */
  link(mode: LinkMode): void;
  /** How commands come to home eu in both regions, for SLUICE_REGIONS. */
  operatorUrls(): readonly string[];
  /** A producer of the tenant in region eu. */
  producer(): Promise<Bus>;
  startEdge(region: RegionName, env?: NodeJS.ProcessEnv): Promise<RunningService>;
}

/** Starts them. In region us, home eu is a further one; a home of its own has a bus there, and no services yet. */
export async function startRegionEdges(options: RegionsOptions = {}): Promise<RegionEdges> {
  await using starting = new AsyncDisposableStack();
  const stack = starting.use(new AsyncDisposableStack());
  const regions = stack.use(await startRegions(options));
  const { eu } = regions;
  const folder = await mkdtemp(join(tmpdir(), "sluice-regions-"));
  stack.defer(() => rm(folder, { recursive: true }));
  const far: TcpProxy[] = [];
  const through = async (port: number): Promise<number> => {
    const proxy = stack.use(await startTcpProxy(port));
    far.push(proxy);
    return proxy.port;
  };
  const { auth, policy } = eu.eu.ports;
  const [authGrpc, authHttp, policyGrpc] = [
    await through(auth.grpc),
    await through(auth.http),
    await through(policy.grpc),
  ];
  const homesFile = async (user: "stream" | "publish"): Promise<string> => {
    const home = {
      name: "eu",
      natsUrl: regions.brokers.us.servers[0].url(userOf("us", "eu", user)),
      auth: `127.0.0.1:${authGrpc},127.0.0.1:${eu.us.ports.auth.grpc}`,
      policy: `127.0.0.1:${policyGrpc},127.0.0.1:${eu.us.ports.policy.grpc}`,
      issuer: eu.issuer,
      jwksUrl: [`http://127.0.0.1:${authHttp}`, eu.us.authUrl].map((url) => `${url}/.well-known/jwks.json`).join(","),
    };
    const path = join(folder, `${user}.yaml`);
    await writeFile(path, JSON.stringify([home]));
    return path;
  };
  const settingsOf = async (region: RegionName, user: "stream" | "publish"): Promise<NodeJS.ProcessEnv> => ({
    NATS_URL: regions.brokers[region].servers[0].url(user),
    ...(region === "eu"
      ? {
          AUTH_ISSUER: eu.issuer,
          AUTH_JWKS_URL: [eu.eu, eu.us].map(({ authUrl }) => `${authUrl}/.well-known/jwks.json`).join(","),
          // The seat may move: only the processes that serve listen.
          AUTH_GRPC_URL: `127.0.0.1:${auth.grpc},127.0.0.1:${eu.us.ports.auth.grpc}`,
          POLICY_GRPC_URL: `127.0.0.1:${policy.grpc},127.0.0.1:${eu.us.ports.policy.grpc}`,
        }
      : { AUTH_ISSUER: "http://auth.us.test", SLUICE_HOMES_FILE: await homesFile(user) }),
  });
  const startEdge: RegionEdges["startEdge"] = async (region, env = {}) => {
    const limits = { STREAM_CONNECTIONS_PER_SESSION: "1000", STREAM_HANDSHAKES_PER_SUBJECT_PER_MINUTE: "100000" };
    const own = { ...limits, STREAM_REGIONS: "eu=https://eu.example.com,us=https://us.example.com" };
    return stack.use(await startService("stream", { ...(await settingsOf(region, "stream")), ...own, ...env }));
  };
  const startPublisher = async (region: RegionName) =>
    stack.use(await startService("publish", await settingsOf(region, "publish")));
  const [euEdge, usEdge, euPublisher, usPublisher] = await Promise.all([
    startEdge("eu"),
    startEdge("us"),
    startPublisher("eu"),
    startPublisher("us"),
  ]);
  const edges = { eu: euEdge, us: usEdge };
  const cleanup = starting.move();
  return {
    regions,
    edges,
    publishers: { eu: euPublisher, us: usPublisher },
    urls(query) {
      const at = (edge: RunningService): string => `http://127.0.0.1:${edge.ports.http}/v1/stream?${query}`;
      return { eu: at(edges.eu), us: at(edges.us) };
    },
    link(mode) {
      regions.brokers.link(mode);
      for (const proxy of far) proxy.set(mode === "one-way" ? "pass" : mode);
    },
    ...callsOf(eu.eu),
    operatorUrls: () =>
      (["eu", "us"] as const).map((region) => {
        const [{ port }] = regions.brokers[region].servers;
        const user = region === "eu" ? "operator" : "operator-eu";
        return `${region}=nats://${user}:${NATS_PASSWORD}@127.0.0.1:${port}`;
      }),
    producer: async () => asProducer(await regions.bus("eu", "eu", "publish")),
    startEdge,
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

/** The publisher's user writes events under a subject of its own. */
function asProducer(bus: Bus): Bus {
  const ingest = (subject: string): string => subject.replace(/^events\./, "ingest.");
  const js = Object.create(bus.js, {
    publish: { value: (subject: string, ...more: [Uint8Array]) => bus.js.publish(ingest(subject), ...more) },
  }) as Bus["js"];
  return { ...bus, js, publish: (subject, payload) => bus.publish(ingest(subject), payload) };
}
