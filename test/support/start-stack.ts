import { fileURLToPath } from "node:url";
import { jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { authSettings } from "./start-auth.ts";
import { type NatsServer, type NatsUser, startNats } from "./start-nats.ts";
import { type RedisServer, startRedis } from "./start-redis.ts";
import { type RunningService, startService } from "./start-service.ts";

/** The policies of the demo. */
export const DEMO_POLICIES = fileURLToPath(new URL("../../infra/policies", import.meta.url));

/** What `operate` authenticates with. */
export const OPERATOR_TOKEN = "operator-token-of-the-tests";

/** Tests and loads open thousands of streams as one person. */
const ONE_PERSON_OPENS_MANY = {
  STREAM_CONNECTIONS_PER_SESSION: "1000000",
  STREAM_CONNECTIONS_PER_SUBJECT: "1000000",
  STREAM_HANDSHAKES_PER_SUBJECT_PER_MINUTE: "1000000",
  STREAM_POLLS_PER_SUBJECT_PER_MINUTE: "1000000",
};

/** A person's tokens after a login. */
export interface Login {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly session_id: string;
}

/** The three services on real servers, as separate processes. */
export interface Stack extends AsyncDisposable {
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
  login(username: string, tenant?: string): Promise<Login>;
  /** A connection to the bus as that user, through another port where one is given. */
  bus(user: NatsUser, port?: number): Promise<Bus>;
  /** Calls policy as the operator. */
  operate(method: string, path: string, body?: object): Promise<OperatorAnswer>;
  /** Replaces the roles of a subject, acknowledged. */
  setRoles(subject: string, roles: readonly string[], tenant?: string): Promise<void>;
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
    stack.use(
      await startService("auth", {
        ...authSettings(nats, redis),
        ...options.auth,
        ...env,
      }),
    );
  const auth = await startAuth();
  const authUrl = `http://127.0.0.1:${auth.ports.http}`;
  const keys = { AUTH_JWKS_URL: `${authUrl}/.well-known/jwks.json` };
  const startPolicy = async (env: NodeJS.ProcessEnv = {}): Promise<RunningService> =>
    stack.use(
      await startService("policy", {
        NATS_URL: nats.url("policy"),
        POLICY_DOCUMENTS_DIR: DEMO_POLICIES,
        POLICY_OPERATOR_TOKEN: OPERATOR_TOKEN,
        AUTH_GRPC_URL: `127.0.0.1:${auth.ports.grpc}`,
        ...keys,
        ...options.policy,
        ...env,
      }),
    );
  const policy = await startPolicy();
  const startEdge = async (env: NodeJS.ProcessEnv = {}): Promise<RunningService> =>
    stack.use(
      await startService("stream", {
        ...ONE_PERSON_OPENS_MANY,
        NATS_URL: nats.url("stream"),
        AUTH_GRPC_URL: `127.0.0.1:${auth.ports.grpc}`,
        POLICY_GRPC_URL: `127.0.0.1:${policy.ports.grpc}`,
        ...keys,
        ...options.stream,
        ...env,
      }),
    );
  const startPublish = async (env: NodeJS.ProcessEnv = {}): Promise<RunningService> =>
    stack.use(
      await startService("publish", {
        NATS_URL: nats.url("publish"),
        AUTH_GRPC_URL: `127.0.0.1:${auth.ports.grpc}`,
        POLICY_GRPC_URL: `127.0.0.1:${policy.ports.grpc}`,
        ...keys,
        ...env,
      }),
    );
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
    login: (username, tenant = "demo") =>
      postJson(`${authUrl}/v1/auth/login`, { tenant, username, password: "sluice-demo" }) as Promise<Login>,
    async bus(user, port = nats.port) {
      const bus = await openBus(urlThrough(port, nats.url(user)), user);
      stack.defer(() => bus.connection.close());
      return bus;
    },
    operate: (method, path, body) => callOperator(policyUrl, method, path, body),
    async setRoles(subject, roles, tenant = "demo") {
      const response = await fetch(`${policyUrl}/v1/tenants/${tenant}/subjects/${subject}/roles`, {
        method: "PUT",
        headers: { authorization: `Bearer ${OPERATOR_TOKEN}`, "content-type": "application/json" },
        body: JSON.stringify({ roles }),
      });
      if (!response.ok) throw new Error(`roles were not set: ${response.status} ${await response.text()}`);
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

/** What policy answered an operator. */
export interface OperatorAnswer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** Calls policy about tenants as the operator of the tests. */
export async function callOperator(
  policyUrl: string,
  method: string,
  path: string,
  body?: object,
): Promise<OperatorAnswer> {
  const headers = { authorization: `Bearer ${OPERATOR_TOKEN}`, "content-type": "application/json" };
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await fetch(`${policyUrl}/v1/tenants${path === "" ? "" : `/${path}`}`, { method, headers, ...sent });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** The same address through another port of this machine, as through a proxy. */
export function urlThrough(port: number, address: string): string {
  const url = new URL(address);
  url.port = String(port);
  return url.href;
}

/** Connects to the bus at `url` as that user; the caller closes the connection. */
export async function openBus(url: string, user: NatsUser): Promise<Bus> {
  const { host, password } = new URL(url);
  const connection = await connect({
    servers: host,
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
    publish: async (subject, payload) => (await js.publish(subject, payload)).seq,
  };
}

async function postJson(url: string, body: object): Promise<unknown> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return response.json();
}
