import { startRestartable, untilHealthy } from "#test/support/cluster-process.ts";
import { openEventStream } from "#test/support/event-stream.ts";
import { createOwnClock, type OwnClock } from "#test/support/own-clock.ts";
import { freePort } from "#test/support/ports.ts";
import { startIssuer } from "#test/support/start-issuer.ts";
import { asProducer, planRegionSettings, type RegionSettings } from "#test/support/region-settings.ts";
import type { NatsUser } from "#test/support/start-nats.ts";
import type { RegionName, RegionServer } from "#test/support/start-region-servers.ts";
import { type Regions, startRegions, userOf } from "#test/support/start-regions.ts";
import { startService } from "#test/support/start-service.ts";
import { callsOf, ONE_PERSON_OPENS_MANY, openBus, type StackCalls } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";
import { startTcpProxy, type TcpProxy } from "#test/support/tcp-proxy.ts";
import { accepts } from "../../../scripts/shared/accepts.ts";
import { type Link, type Process, TENANTS, type World } from "../world.ts";
import { type AddProcess, addTo } from "./add-process.ts";
import { createStores, type StoredBroker } from "./create-stores.ts";
import { openSeat } from "./open-seat.ts";
import { createLinks } from "./service-links.ts";
import { SESSIONS, writeTenantFiles } from "./tenant-files.ts";

const REGIONS = ["eu", "us"] as const;

/** An edge, or a publisher. */
const CLIENTS = { stream: "edge", publish: "publish" } as const;

/**
 * Starts two regions, which serve the tenants of home eu: in each three brokers, Redis, auth and policy, of which one region's are
 * standbys, an edge and a publisher.
 */
export async function startRegionsWorld(): Promise<World> {
  await using starting = new AsyncDisposableStack();
  const stack = starting.use(new AsyncDisposableStack());
  const files = stack.use(await writeTenantFiles());
  const links = stack.use(createLinks());
  const clocks = new Map<string, OwnClock>();
  const change = async (name: string, env: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> => {
    const clock = stack.use(await createOwnClock());
    clocks.set(name, clock);
    return { ...clock.env, ...(await links.leadThrough(name, env)) };
  };
  const regions = stack.use(
    await startRegions({
      servers: 3,
      auth: { ...SESSIONS, AUTH_USERS_FILE: files.users },
      policy: { POLICY_DOCUMENTS_DIR: files.policies },
      change,
    }),
  );
  const processes: Process[] = [];
  const add = addTo(processes);
  const stored = REGIONS.flatMap((region) => addBrokers(regions, region, add));
  for (const region of REGIONS) await addServers(regions, region, stack, add);
  const settings = await planRegionSettings(regions, stack);
  const [eu, us] = [
    await addClients({ regions, settings, change, stack, add }, "eu"),
    await addClients({ regions, settings, change, stack, add }, "us"),
  ];
  const seat = await openSeat(regions, processes, stack);
  const stores = stack.use(await createStores(stored));
  const calls = callsOf({ authUrl: seat.authUrl, policyUrl: seat.policyUrl });
  await waitFor("us serves home eu", () => servesHome(us.streamUrl, calls), 60_000);
  const cleanup = starting.move();
  return {
    calls,
    processes,
    links: [...links.all, ...eu.links, ...us.links, linkOf(settings)],
    hasWorkers: false,
    brokers: undefined,
    home: seat.home,
    stores,
    authUrls: [seat.authUrl],
    publishUrls: [eu.publishUrl, us.publishUrl],
    doors: [
      { name: "stream-eu", url: eu.streamUrl },
      { name: "stream-us", url: us.streamUrl },
    ],
    natsUrl: (user) => regions.brokers[seat.region()].url(userOf(seat.region(), "eu", user)),
    async bus(user) {
      const isProducer = TENANTS.some((tenant) => tenant === user);
      const name: NatsUser = isProducer ? "publish" : user;
      const bus = await openBus(regions.brokers.eu.url(name), name);
      stack.defer(() => bus.connection.close());
      return isProducer ? asProducer(bus) : bus;
    },
    setClock: async ({ name }, aheadMs) => clocks.get(name)?.set(aheadMs),
    diskOf: () => undefined,
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

function addBrokers(regions: Regions, region: RegionName, add: AddProcess): StoredBroker[] {
  return regions.brokers[region].servers.map((server, index) => {
    const name = `nats-${region}-${index + 1}`;
    const process = add(name, "broker", untilHealthy(name, server), () => server.isHealthy());
    return { process, storeDir: server.storeDir };
  });
}

/** Redis of that region, and its auth and policy: both are as well off where they wait. */
async function addServers(
  regions: Regions,
  region: RegionName,
  stack: AsyncDisposableStack,
  add: AddProcess,
): Promise<void> {
  const redis = regions.redis[region];
  add(`redis-${region}`, "redis", redis, () => accepts(redis.port));
  const services = regions.eu[region];
  for (const service of ["auth", "policy"] as const) {
    const server = await startRestartable(() => services.start(service), services[service]);
    add(`${service}-${region}`, service, stack.use(server), () => isReadyAt(services.ports[service].ops));
  }
}

interface ClientDeps {
  readonly regions: Regions;
  readonly settings: RegionSettings;
  readonly change: (name: string, env: NodeJS.ProcessEnv) => Promise<NodeJS.ProcessEnv>;
  readonly stack: AsyncDisposableStack;
  readonly add: AddProcess;
}

/** An edge and a publisher of that region, and the network between them and its brokers. */
async function addClients({ regions, settings, change, stack, add }: ClientDeps, region: RegionName) {
  const proxies = await proxiesTo(regions.brokers[region].servers, stack);
  const natsUrl = (user: string) => regions.brokers[region].url(user, (port) => proxies.get(port)?.port ?? port);
  const { streamUrl, publishUrl } = regions.redis[region];
  // Region us has a home of its own, without tenants and services: its edge is ready once it has that home's keys.
  const keys = region === "us" ? { AUTH_JWKS_URL: stack.use(await startIssuer()).jwksUri } : {};
  const start = async (service: "stream" | "publish", redisUrl: string): Promise<string> => {
    const [http, ops] = [await freePort(), await freePort()];
    const usual = { ...(await settings.of(region, service, natsUrl)), ...keys, ...ONE_PERSON_OPENS_MANY };
    const prefix = service.toUpperCase();
    const env = {
      ...(await change(`${service}-${region}`, { ...usual, REDIS_URL: redisUrl })),
      [`${prefix}_HTTP_PORT`]: `${http}`,
      [`${prefix}_OPS_PORT`]: `${ops}`,
    };
    const server = stack.use(await startRestartable(() => startService(service, env)));
    add(`${service}-${region}`, CLIENTS[service], server, () => isReadyAt(ops));
    return `http://127.0.0.1:${http}`;
  };
  return {
    links: linksTo(region, proxies),
    streamUrl: await start("stream", streamUrl),
    publishUrl: await start("publish", publishUrl),
  };
}

async function proxiesTo(
  servers: readonly RegionServer[],
  stack: AsyncDisposableStack,
): Promise<ReadonlyMap<number, TcpProxy>> {
  const proxies = servers.map(async ({ port }) => [port, stack.use(await startTcpProxy(port))] as const);
  return new Map(await Promise.all(proxies));
}

/** The network between a region's edge and publisher and one of its brokers, and between them and all. */
function linksTo(region: RegionName, proxies: ReadonlyMap<number, TcpProxy>): Link[] {
  const linkTo = (name: string, to: readonly TcpProxy[]): Link => ({
    name: `services to ${name}`,
    from: "services",
    to: "broker",
    ports: to.map(({ port }) => port),
    set: (mode) => to.forEach((proxy) => proxy.set(mode)),
  });
  const all = [...proxies.values()];
  return [
    ...all.map((proxy, index) => linkTo(`nats-${region}-${index + 1}`, [proxy])),
    linkTo(`all brokers of ${region}`, all),
  ];
}

function linkOf(settings: RegionSettings): Link {
  return {
    name: "us to eu",
    from: "regions",
    to: "regions",
    ports: settings.linkPorts,
    set: (mode) => settings.link(mode),
  };
}

/** Until an edge has opened a further home it tells that home's clients `busy`, and they would all go to the other region. */
async function servesHome(url: string, calls: StackCalls): Promise<boolean> {
  const { access_token: token } = await calls.login("carol");
  await using stream = await openEventStream(`${url}/v1/stream?topic=issues.>`, { token });
  const [first] = await waitFor("a frame", () => (stream.frames.length > 0 ? stream.frames : undefined));
  return first?.event === "ready";
}

/** Whether it serves, or waits as a standby. */
async function isReadyAt(ops: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${ops}/readyz`, { signal: AbortSignal.timeout(2_000) }).catch(() => {});
  return answer?.ok === true || (await answer?.text())?.includes('"standby"') === true;
}
