import { fileURLToPath } from "node:url";
import { jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { formatAddress, parseServerUrls } from "#shared/config/server-urls.ts";
import { authSettings } from "./start-auth.ts";
import { requireOk } from "./require-ok.ts";
import { type NatsServer, type NatsUser, startNats } from "./start-nats.ts";
import { type RedisServer, startRedis } from "./start-redis.ts";
import { type RunningService, startService } from "./start-service.ts";
import { waitFor } from "./wait.ts";

/** The policies of the demo. */
export const DEMO_POLICIES = fileURLToPath(new URL("../../infra/policies", import.meta.url));

/** What `operate` authenticates with. */
export const OPERATOR_TOKEN = "operator-token-of-the-tests";

/** Settings of an edge: tests and loads open thousands of streams as one person, and ask again and again until something holds. */
export const ONE_PERSON_OPENS_MANY = {
  STREAM_CONNECTIONS_PER_SESSION: "1000000",
  STREAM_CONNECTIONS_PER_SUBJECT: "1000000",
  STREAM_HANDSHAKES_PER_SUBJECT_PER_MINUTE: "1000000",
  STREAM_POLLS_PER_SUBJECT_PER_MINUTE: "1000000",
  STREAM_CALLS_PER_SUBJECT_PER_MINUTE: "1000000",
  STREAM_CALLS_PER_ADDRESS_PER_MINUTE: "1000000",
};

/** Each event is synced to the disk: where the machine is busy, or hundreds are published at once, that takes long. */
const STORED_WITHIN_MS = 30_000;

/** Where auth has its keys. */
const KEY_SET = "/.well-known/jwks.json";

/** A person's tokens after a login. */
export interface Login {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly session_id: string;
}

/** What people and operators ask of a stack. A stack of one of each asks again while the answer is 503. */
export interface StackCalls {
  login(username: string, tenant?: string): Promise<Login>;
  /** Calls policy as the operator. */
  operate(method: string, path: string, body?: object): Promise<{ status: number; body: Record<string, unknown> }>;
  /** The same, of what must be carried out. */
  carryOut(method: string, path: string, body?: object): Promise<void>;
  /** Replaces the roles of a subject, acknowledged. */
  setRoles(subject: string, roles: readonly string[], tenant?: string): Promise<void>;
}

/** The three services on real servers, as separate processes. */
export interface Stack extends StackCalls, AsyncDisposable {
  readonly nats: NatsServer;
  readonly redis: RedisServer;
  readonly auth: RunningService;
  readonly policy: RunningService;
  /** The first edge. */
  readonly edge: RunningService;
  readonly authUrl: string;
  readonly policyUrl: string;
  readonly streamUrl: string;
  /** Starts another edge beside the first; pass its ports to start it where one died. */
  startEdge(env?: NodeJS.ProcessEnv): Promise<RunningService>;
  startPolicy(env?: NodeJS.ProcessEnv): Promise<RunningService>;
  startAuth(env?: NodeJS.ProcessEnv): Promise<RunningService>;
  /** Starts a publisher; a stack has none of its own. */
  startPublish(env?: NodeJS.ProcessEnv): Promise<RunningService>;
  /** A connection to the bus as that user, through another port where one is given. */
  bus(user: NatsUser, port?: number): Promise<Bus>;
}

/** A connection to the bus, closed with the stack. */
export interface Bus {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  manager(): Promise<JetStreamManager>;
  /** Publishes one event and answers its sequence once it is stored. */
  publish(subject: string, payload: string | Uint8Array): Promise<number>;
}

/** What to change of the stack. */
export interface StackOptions {
  /** A server that the caller has started, and ends; one of the stack's own by default. */
  readonly nats?: NatsServer;
  /** The same of Redis. */
  readonly redis?: RedisServer;
  readonly stream?: NodeJS.ProcessEnv;
  readonly auth?: NodeJS.ProcessEnv;
  readonly policy?: NodeJS.ProcessEnv;
}

/** Starts nats-server, redis and the three services with the demo's tenants and people. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  await using owner = new AsyncDisposableStack();
  // Stays usable after the owner was handed over: tests start more services later on.
  const stack = owner.use(new AsyncDisposableStack());
  const nats = options.nats ?? stack.use(await startNats());
  const redis = options.redis ?? stack.use(await startRedis());
  const startAuth = async (env: NodeJS.ProcessEnv = {}): Promise<RunningService> =>
    stack.use(await startService("auth", { ...authSettings(nats, redis), ...options.auth, ...env }));
  const auth = await startAuth();
  const authUrl = `http://127.0.0.1:${auth.ports.http}`;
  const peers = { authUrl, authGrpc: `127.0.0.1:${auth.ports.grpc}` };
  const startPolicy = async (env: NodeJS.ProcessEnv = {}): Promise<RunningService> =>
    stack.use(await startService("policy", { ...policySettings(nats, peers), ...options.policy, ...env }));
  const policy = await startPolicy();
  const all = { ...peers, policyGrpc: `127.0.0.1:${policy.ports.grpc}` };
  const startEdge = async (env: NodeJS.ProcessEnv = {}): Promise<RunningService> =>
    stack.use(await startService("stream", { ...edgeSettings(nats, all), ...options.stream, ...env }));
  const startPublish = async (env: NodeJS.ProcessEnv = {}): Promise<RunningService> =>
    stack.use(await startService("publish", { ...publishSettings(nats, all), ...env }));
  const edge = await startEdge();
  const policyUrl = `http://127.0.0.1:${policy.ports.http}`;
  const cleanup = owner.move();
  return {
    nats,
    redis,
    auth,
    policy,
    edge,
    authUrl,
    policyUrl,
    streamUrl: `http://127.0.0.1:${edge.ports.http}`,
    startEdge,
    startPolicy,
    startAuth,
    startPublish,
    ...callsOf({ authUrl, policyUrl }, fetchUntilAnswered),
    async bus(user, port = nats.port) {
      const bus = await openBus(urlThrough(port, nats.url(user)), user);
      stack.defer(() => bus.connection.close());
      return bus;
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

/** Where the services of a stack find each other. */
interface Peers {
  readonly authUrl: string;
  readonly authGrpc: string;
  readonly policyGrpc: string;
}

/** The settings that policy needs on these servers. */
export function policySettings(nats: Pick<NatsServer, "url">, peers: Omit<Peers, "policyGrpc">): NodeJS.ProcessEnv {
  return {
    NATS_URL: nats.url("policy"),
    POLICY_DOCUMENTS_DIR: DEMO_POLICIES,
    POLICY_OPERATOR_TOKEN: OPERATOR_TOKEN,
    AUTH_GRPC_URL: peers.authGrpc,
    AUTH_JWKS_URL: `${peers.authUrl}${KEY_SET}`,
  };
}

/** Those of an edge. */
export function edgeSettings(nats: Pick<NatsServer, "url">, peers: Peers): NodeJS.ProcessEnv {
  return { ...ONE_PERSON_OPENS_MANY, NATS_URL: nats.url("stream"), ...peersOf(peers) };
}

/** Those of a publisher. */
export function publishSettings(nats: Pick<NatsServer, "url">, peers: Peers): NodeJS.ProcessEnv {
  return { NATS_URL: nats.url("publish"), ...peersOf(peers) };
}

function peersOf({ authUrl, authGrpc, policyGrpc }: Peers): NodeJS.ProcessEnv {
  return { AUTH_GRPC_URL: authGrpc, POLICY_GRPC_URL: policyGrpc, AUTH_JWKS_URL: `${authUrl}${KEY_SET}` };
}

type Fetch = (url: string, request: RequestInit) => Promise<Response>;

/** What people and operators ask of auth and policy at these addresses. */
export function callsOf(
  { authUrl, policyUrl }: { readonly authUrl: string; readonly policyUrl: string },
  ask: Fetch = fetch,
): StackCalls {
  const callPolicy = async (method: string, path: string, body?: object): Promise<Response> => {
    const headers = { authorization: `Bearer ${OPERATOR_TOKEN}`, "content-type": "application/json" };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    return ask(`${policyUrl}/v1/tenants${path === "" ? "" : `/${path}`}`, { method, headers, ...sent });
  };
  return {
    login: (username, tenant = "demo") =>
      postJson(ask, `${authUrl}/v1/auth/login`, { tenant, username, password: "sluice-demo" }) as Promise<Login>,
    async operate(method, path, body) {
      const response = await callPolicy(method, path, body);
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    },
    async carryOut(method, path, body) {
      await requireOk(callPolicy(method, path, body));
    },
    async setRoles(subject, roles, tenant = "demo") {
      await requireOk(callPolicy("PUT", `${tenant}/subjects/${subject}/roles`, { roles }));
    },
  };
}

/** The same address through another port of this machine, as through a proxy. */
export function urlThrough(port: number, address: string): string {
  const url = new URL(address);
  url.port = String(port);
  return url.href;
}

/** Connects to the bus at `url`, which may name several servers, as that user; the caller closes the connection. */
export async function openBus(url: string, user: NatsUser): Promise<Bus> {
  const { servers, password = "" } = parseServerUrls(url, { nats: 4222 });
  const connection = await connect({
    servers: servers.map(formatAddress),
    user,
    pass: password,
    inboxPrefix: `_INBOX.${user}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
  });
  const js = jetstream(connection);
  return {
    connection,
    js,
    manager: () => jetstreamManager(connection),
    publish: async (subject, payload) => (await js.publish(subject, payload, { timeout: STORED_WITHIN_MS })).seq,
  };
}

/** Asks as every client does: again while the answer is "not now". What a test stopped may not be in reach of all again. */
function fetchUntilAnswered(url: string, request: RequestInit): Promise<Response> {
  return waitFor(`${url} answers`, async () => {
    const response = await fetch(url, request);
    if (response.status !== 503) return response;
    await response.body?.cancel();
    return undefined;
  });
}

async function postJson(ask: Fetch, url: string, body: object): Promise<unknown> {
  const headers = { "content-type": "application/json" };
  const response = await requireOk(ask(url, { method: "POST", headers, body: JSON.stringify(body) }));
  return response.json();
}
