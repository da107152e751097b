import { createOwnClock, type OwnClock } from "#test/support/own-clock.ts";
import { mountSmallDisk } from "#test/support/small-disk.ts";
import { startRestartable } from "#test/support/cluster-process.ts";
import { freePort } from "#test/support/ports.ts";
import { authSettings } from "#test/support/start-auth.ts";
import { accepts } from "../../../scripts/shared/accepts.ts";
import { startNats } from "#test/support/start-nats.ts";
import { startRedis } from "#test/support/start-redis.ts";
import { startService } from "#test/support/start-service.ts";
import {
  callsOf,
  edgeSettings,
  openBus,
  policySettings,
  publishSettings,
  urlThrough,
} from "#test/support/start-stack.ts";
import { startTcpProxy } from "#test/support/tcp-proxy.ts";
import type { Process, World } from "../world.ts";
import { addTo } from "./add-process.ts";
import { createStores } from "./create-stores.ts";
import { createLinks } from "./service-links.ts";
import { SESSIONS, writeTenantFiles } from "./tenant-files.ts";

/** The processes of services, in the order of their start; of edges there are two, of one process each. */
const SERVICES = {
  "auth-1": "auth",
  "policy-1": "policy",
  "publish-1": "publish",
  "stream-1": "stream",
  "stream-2": "stream",
} as const;

type Name = keyof typeof SERVICES;

/** Starts one of everything but of the edge, as a small installation has it: what is away has nobody beside it. */
export async function startSingleWorld(): Promise<World> {
  await using starting = new AsyncDisposableStack();
  const stack = starting.use(new AsyncDisposableStack());
  const files = stack.use(await writeTenantFiles());
  const disk = await mountSmallDisk();
  if (disk !== undefined) stack.use(disk);
  const nats = stack.use(await startNats(disk === undefined ? {} : { disk: disk.path }));
  const redis = stack.use(await startRedis());
  const toBus = stack.use(await startTcpProxy(nats.port));
  const bus = { url: (user: Parameters<typeof nats.url>[0]) => urlThrough(toBus.port, nats.url(user)) };
  const links = stack.use(createLinks());
  const clocks = new Map<string, OwnClock>();
  const ports = await takePorts();
  const processes: Process[] = [];
  const add = addTo(processes);
  const broker = add("nats-1", "broker", nats, () => accepts(nats.port));
  add("redis-1", "redis", redis, () => accepts(redis.port));
  const peers = {
    authUrl: urlOf(ports["auth-1"].http),
    authGrpc: `127.0.0.1:${ports["auth-1"].grpc}`,
    policyGrpc: `127.0.0.1:${ports["policy-1"].grpc}`,
  };
  const settings = {
    auth: { ...authSettings(bus, redis), ...SESSIONS, AUTH_USERS_FILE: files.users, POLICY_GRPC_URL: peers.policyGrpc },
    policy: { ...policySettings(bus, peers), POLICY_DOCUMENTS_DIR: files.policies },
    publish: { ...publishSettings(bus, peers), REDIS_URL: redis.publishUrl },
    stream: { ...edgeSettings(bus, peers), REDIS_URL: redis.streamUrl },
  };
  for (const [name, service] of Object.entries(SERVICES) as [Name, (typeof SERVICES)[Name]][]) {
    const clock = stack.use(await createOwnClock());
    clocks.set(name, clock);
    const env = {
      ...clock.env,
      ...(await links.leadThrough(name, settings[service])),
      ...portSettings(service, ports[name]),
    };
    const server = stack.use(await startRestartable(() => startService(service, env)));
    add(name, service === "stream" ? "edge" : service, server, () => answersReady(ports[name].ops));
  }
  const stores = stack.use(await createStores([{ process: broker, storeDir: nats.storeDir }]));
  const cleanup = starting.move();
  return {
    calls: callsOf({ authUrl: peers.authUrl, policyUrl: urlOf(ports["policy-1"].http) }),
    processes,
    links: [
      ...links.all,
      {
        name: "services to nats-1",
        from: "services",
        to: "broker",
        ports: [toBus.port],
        set: (mode) => toBus.set(mode),
      },
    ],
    hasWorkers: false,
    brokers: undefined,
    home: undefined,
    stores,
    authUrls: [peers.authUrl],
    publishUrls: [urlOf(ports["publish-1"].http)],
    doors: (["stream-1", "stream-2"] as const).map((name) => ({ name, url: urlOf(ports[name].http) })),
    natsUrl: (user) => nats.url(user),
    async bus(user) {
      const opened = await openBus(nats.url(user), user);
      stack.defer(() => opened.connection.close());
      return opened;
    },
    setClock: async ({ name }, aheadMs) => clocks.get(name)?.set(aheadMs),
    diskOf: () => disk,
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

type Ports = Readonly<Record<"http" | "grpc" | "ops", number>>;

async function takePorts(): Promise<Readonly<Record<Name, Ports>>> {
  const taken = Object.keys(SERVICES).map(async (name) => {
    const [http, grpc, ops] = await Promise.all([freePort(), freePort(), freePort()]);
    return [name, { http, grpc, ops }] as const;
  });
  return Object.fromEntries(await Promise.all(taken)) as Record<Name, Ports>;
}

function portSettings(service: string, { http, grpc, ops }: Ports): NodeJS.ProcessEnv {
  const prefix = service.toUpperCase();
  return { [`${prefix}_HTTP_PORT`]: `${http}`, [`${prefix}_GRPC_PORT`]: `${grpc}`, [`${prefix}_OPS_PORT`]: `${ops}` };
}

function urlOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}

async function answersReady(port: number): Promise<boolean> {
  const answer = await fetch(`${urlOf(port)}/readyz`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
  return answer?.ok === true;
}
