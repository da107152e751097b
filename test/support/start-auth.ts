import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { fileURLToPath } from "node:url";
import { logStreamName, logSubjects } from "#shared/contract/tenant-log.ts";
import { connectAs } from "./connect-as.ts";
import { type NatsServer, startNats } from "./start-nats.ts";
import { type RedisServer, startRedis } from "./start-redis.ts";
import { type RunningService, startService } from "./start-service.ts";

/** The users of the demo: alice, bob and carol of tenant `demo`, mallory of `rival`. */
export const DEMO_USERS_FILE = fileURLToPath(new URL("../../infra/demo/users.yaml", import.meta.url));

/** The service clients of the demo: reporter of tenant `demo`. */
const DEMO_CLIENTS_FILE = fileURLToPath(new URL("../../infra/demo/clients.yaml", import.meta.url));

/** The password of each of them. */
export const DEMO_PASSWORD = "sluice-demo";

/** What encrypts the keys of every auth that a test starts. */
const ENCRYPTION_KEY = Buffer.alloc(32, "test").toString("base64url");

/** auth with the demo's users, on servers of its own. */
export interface AuthStack extends AsyncDisposable {
  readonly nats: NatsServer;
  readonly redis: RedisServer;
  readonly auth: RunningService;
  /** Where its HTTP API is, without a slash at the end. */
  readonly url: string;
}

/** Starts NATS with the log of tenant `demo`, Redis, and auth; `env` overrides. */
export async function startAuthStack(env: NodeJS.ProcessEnv = {}): Promise<AuthStack> {
  await using starting = new AsyncDisposableStack();
  const nats = starting.use(await startNats());
  const redis = starting.use(await startRedis());
  await createTenantLog(nats, "demo");
  const auth = starting.use(await startService("auth", { ...authSettings(nats, redis), ...env }));
  const stack = starting.move();
  return {
    nats,
    redis,
    auth,
    url: `http://127.0.0.1:${auth.ports.http}`,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** The settings that auth needs on these servers. */
export function authSettings(nats: Pick<NatsServer, "url">, redis: Pick<RedisServer, "url">): NodeJS.ProcessEnv {
  const files = { AUTH_USERS_FILE: DEMO_USERS_FILE, AUTH_CLIENTS_FILE: DEMO_CLIENTS_FILE };
  return { NATS_URL: nats.url("auth"), REDIS_URL: redis.url, ...files, AUTH_KEY_ENCRYPTION_KEY: ENCRYPTION_KEY };
}

/** Makes a tenant's log as policy would, for tests that run without policy. */
export async function createTenantLog(server: NatsServer, tenant: string): Promise<void> {
  await using nats = await connectAs(server, "policy");
  await (await jetstreamManager(nats)).streams.add({ name: logStreamName(tenant), subjects: logSubjects(tenant) });
}

/** Takes a tenant's log away, and nothing else: the buckets of auth stay. */
export async function removeTenantLog(server: NatsServer, tenant: string): Promise<void> {
  await using nats = await connectAs(server, "policy");
  await (await jetstreamManager(nats)).streams.delete(logStreamName(tenant));
}

/** The control entries of sessions in a tenant's log, oldest first. */
export async function readSessionEntries(server: NatsServer, tenant: string): Promise<unknown[]> {
  await using nats = await connectAs(server, "policy");
  const { streams } = await jetstreamManager(nats);
  const { first_seq, last_seq } = (await streams.info(logStreamName(tenant))).state;
  const entries: unknown[] = [];
  for (let seq = Math.max(first_seq, 1); seq <= last_seq; seq++) {
    const message = await streams.getMessage(logStreamName(tenant), { seq });
    if (message?.subject === `control.${tenant}.session`) entries.push(message.json());
  }
  return entries;
}

/** An audit entry as it is stored. */
export type StoredAuditEntry = Readonly<Record<string, string>>;

/** The audit trail of a tenant, oldest first. */
export async function readAudit(server: NatsServer, tenant: string): Promise<StoredAuditEntry[]> {
  await using nats = await connectAs(server, "auth");
  const consumer = await jetstream(nats).consumers.get("AUDIT", { filter_subjects: [`audit.${tenant}.*`] });
  const entries: StoredAuditEntry[] = [];
  let left = (await consumer.info()).num_pending;
  if (left === 0) return entries;
  for await (const message of await consumer.consume()) {
    entries.push(message.json<StoredAuditEntry>());
    left -= 1;
    if (left === 0) break;
  }
  return entries;
}
