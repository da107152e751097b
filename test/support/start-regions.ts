import { authSettings } from "./start-auth.ts";
import { freePort } from "./ports.ts";
import type { NatsUser } from "./start-nats.ts";
import { type RedisServer, startRedis } from "./start-redis.ts";
import {
  type RegionBrokerOptions,
  type RegionBrokers,
  type RegionName,
  startRegionBrokers,
} from "./start-region-servers.ts";
import { type RunningService, type ServicePorts, startService } from "./start-service.ts";
import { type Bus, callsOf, DEMO_POLICIES, openBus, OPERATOR_TOKEN, type StackCalls } from "./start-stack.ts";
import { waitFor } from "./wait.ts";

/** auth and policy of a home in one region. Their ports are the same whether they serve or wait. */
export interface HomeServices extends StackCalls {
  readonly ports: Readonly<Record<"auth" | "policy", ServicePorts>>;
  readonly authUrl: string;
  readonly policyUrl: string;
  /** The process that was started last; undefined before the first. */
  readonly auth: RunningService | undefined;
  readonly policy: RunningService | undefined;
  /** Starts a process, as a supervisor would, and answers once it serves or waits as a standby; `env` overrides. */
  start(service: "auth" | "policy", env?: NodeJS.ProcessEnv): Promise<RunningService>;
}

/** A home: its services in both regions. */
export interface Home {
  readonly issuer: string;
  readonly eu: HomeServices;
  readonly us: HomeServices;
}

/** Two regions, and home eu in both. */
export interface Regions extends AsyncDisposable {
  readonly brokers: RegionBrokers;
  /** Each region has a Redis of its own. */
  readonly redis: Readonly<Record<RegionName, RedisServer>>;
  readonly eu: Home;
  /** A connection to a region's bus as that user of a home, closed with the regions. */
  bus(region: RegionName, home: RegionName, user: NatsUser): Promise<Bus>;
}

/** What is started. */
export interface RegionsOptions extends RegionBrokerOptions {
  readonly auth?: NodeJS.ProcessEnv;
  readonly policy?: NodeJS.ProcessEnv;
  /** Changes the settings of one process, which it answers; it is called once for each, `auth-eu` and so on. */
  readonly change?: (name: string, usual: NodeJS.ProcessEnv) => Promise<NodeJS.ProcessEnv>;
}

/** Starts the brokers, Redis, and auth and policy in both regions: serving in eu, as standbys in us. */
export async function startRegions(options: RegionsOptions = {}): Promise<Regions> {
  await using owner = new AsyncDisposableStack();
  const stack = owner.use(new AsyncDisposableStack());
  const [brokers, eu, us] = await Promise.all([startRegionBrokers(options), startRedis(), startRedis()]);
  const redis = { eu, us };
  for (const each of [brokers, eu, us]) stack.use(each);
  const home = await planHome({ brokers, redis, options, stack });
  for (const region of ["eu", "us"] as const) {
    await home[region].start("auth");
    await home[region].start("policy");
  }
  const cleanup = owner.move();
  return {
    brokers,
    redis,
    eu: home,
    async bus(region, of, user) {
      const name = userOf(region, of, user);
      const bus = await openBus(brokers[region].url(name), name);
      stack.defer(() => bus.connection.close());
      return bus;
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

/** What a service's user is called in a region: that of its own home has no suffix. */
export function userOf(region: RegionName, home: RegionName, user: NatsUser): NatsUser {
  return region === home ? user : (`${user}-${home}` as NatsUser);
}

/** Waits until a policy or an auth of these ports is ready. */
export function becomesReady({ ops }: ServicePorts, timeoutMs = 30_000): Promise<true> {
  const isReady = () =>
    fetch(`http://127.0.0.1:${ops}/readyz`).then(
      ({ ok }) => ok || undefined,
      () => undefined,
    );
  return waitFor("the service is ready", isReady, timeoutMs);
}

interface HomeDeps {
  readonly brokers: RegionBrokers;
  readonly redis: Readonly<Record<RegionName, RedisServer>>;
  readonly options: RegionsOptions;
  readonly stack: AsyncDisposableStack;
}

async function planHome(deps: HomeDeps): Promise<Home> {
  const issuer = "http://auth.eu.test";
  return { issuer, eu: await planServices("eu", issuer, deps), us: await planServices("us", issuer, deps) };
}

async function planServices(
  region: RegionName,
  issuer: string,
  { brokers, redis, options, stack }: HomeDeps,
): Promise<HomeServices> {
  const ports = { auth: await freePorts(), policy: await freePorts() };
  const running: Partial<Record<"auth" | "policy", RunningService>> = {};
  const authUrl = `http://127.0.0.1:${ports.auth.http}`;
  const policyUrl = `http://127.0.0.1:${ports.policy.http}`;
  const [server] = brokers[region].servers;
  const natsUrl = (user: NatsUser) => brokers[region].url(userOf(region, "eu", user));
  const shared = {
    SLUICE_HOME_REGIONS: "eu,us",
    AUTH_ISSUER: issuer,
    NATS_REPLICAS: String(brokers[region].servers.length),
    AUTH_GRPC_URL: `127.0.0.1:${ports.auth.grpc}`,
    POLICY_GRPC_URL: `127.0.0.1:${ports.policy.grpc}`,
  };
  const { change = async (_: string, usual: NodeJS.ProcessEnv) => usual } = options;
  const settings = {
    auth: await change(`auth-${region}`, {
      ...authSettings(server, redis[region]),
      ...shared,
      ...portSettings("AUTH", ports.auth),
      NATS_URL: natsUrl("auth"),
      ...options.auth,
    }),
    policy: await change(`policy-${region}`, {
      ...shared,
      ...portSettings("POLICY", ports.policy),
      NATS_URL: natsUrl("policy"),
      POLICY_DOCUMENTS_DIR: DEMO_POLICIES,
      POLICY_OPERATOR_TOKEN: OPERATOR_TOKEN,
      AUTH_JWKS_URL: `${authUrl}/.well-known/jwks.json`,
      ...options.policy,
    }),
  };
  return {
    ports,
    authUrl,
    policyUrl,
    get auth() {
      return running.auth;
    },
    get policy() {
      return running.policy;
    },
    async start(service, env = {}) {
      const started = stack.use(await startService(service, { ...settings[service], ...env }, { orStandby: true }));
      running[service] = started;
      return started;
    },
    ...callsOf({ authUrl, policyUrl }),
  };
}

async function freePorts(): Promise<ServicePorts> {
  return { http: await freePort(), grpc: await freePort(), ops: await freePort() };
}

function portSettings(prefix: string, { http, grpc, ops }: ServicePorts): NodeJS.ProcessEnv {
  return {
    [`${prefix}_HTTP_PORT`]: String(http),
    [`${prefix}_GRPC_PORT`]: String(grpc),
    [`${prefix}_OPS_PORT`]: String(ops),
  };
}
