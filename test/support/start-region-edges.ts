import { asProducer, operatorUrls, planRegionSettings } from "./region-settings.ts";
import type { LinkMode, RegionName } from "./start-region-servers.ts";
import { type Regions, type RegionsOptions, startRegions } from "./start-regions.ts";
import { type RunningService, startService } from "./start-service.ts";
import { type Bus, callsOf, type StackCalls } from "./start-stack.ts";

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
export async function startRegionEdges(options: RegionsOptions): Promise<RegionEdges> {
  await using starting = new AsyncDisposableStack();
  const stack = starting.use(new AsyncDisposableStack());
  const regions = stack.use(await startRegions(options));
  const settings = await planRegionSettings(regions, stack);
  const settingsOf = (region: RegionName, service: "stream" | "publish") =>
    settings.of(region, service, (user) => regions.brokers[region].url(user));
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
    link: (mode) => settings.link(mode),
    ...callsOf(regions.eu.eu),
    operatorUrls: () => operatorUrls(regions),
    producer: async () => asProducer(await regions.bus("eu", "eu", "publish")),
    startEdge,
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}
