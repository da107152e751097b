import { randomUUID } from "node:crypto";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { DEMO_USERS_FILE } from "./start-auth.ts";
import { startIssuer } from "./start-issuer.ts";
import { NATS_CONFIG, type NatsServer, startNats } from "./start-nats.ts";
import { type Bus, type Stack, type StackOptions, startStack } from "./start-stack.ts";

/** A tenant that the test makes. */
export interface TenantPlan {
  readonly id: string;
  /** The policy document as JSON text. */
  readonly document: string;
  readonly people: readonly string[];
  /** The groups of all people of the tenant; none by default. */
  readonly groups?: readonly string[];
  /** Its people are there, and `change` makes it when the test wants it. */
  readonly isMadeLater?: true;
}

/** The three services with tenants of the test's own, whose people's tokens the test signs. */
export interface TenantStack extends AsyncDisposable {
  readonly stack: Stack;
  /** An access token of a session of its own. */
  readonly sign: (tenant: string, person: string) => Promise<string>;
  /** Calls policy as the operator until it answers with success; throws any other answer. */
  readonly change: (method: "PUT" | "DELETE", path: string, body?: string) => Promise<void>;
  /** Publishes under an id until the event is acknowledged: a retry after a lost acknowledgement stores nothing twice. */
  readonly publish: (tenant: string, topic: string, text: string) => Promise<void>;
}

/** The operator's token of the policy that `startTenants` starts. */
export const TENANTS_OPERATOR_TOKEN = "operator-token-of-these-tenants";

/** Waits for a broker that is away, not for ever. */
const GIVE_UP_MS = 30_000;

/** Starts the services and makes the tenants. */
export async function startTenants(
  plans: readonly TenantPlan[],
  options: Pick<StackOptions, "policy" | "stream"> = {},
): Promise<TenantStack> {
  await using starting = new AsyncDisposableStack();
  const issuer = starting.use(await startIssuer());
  const folder = await mkdtemp(join(tmpdir(), "sluice-users-"));
  starting.defer(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, "none"));
  const users = join(folder, "users.yaml");
  await writeFile(users, JSON.stringify(await usersOf(plans)));
  const nats = starting.use(await startOpenNats(folder));
  const stack = starting.use(
    await startStack({
      nats,
      auth: { AUTH_USERS_FILE: users },
      policy: {
        POLICY_DOCUMENTS_DIR: join(folder, "none"),
        POLICY_OPERATOR_TOKEN: TENANTS_OPERATOR_TOKEN,
        ...options.policy,
      },
      stream: { AUTH_JWKS_URL: issuer.jwksUri, ...options.stream },
    }),
  );
  const bus = await stack.bus("demo");
  const change: TenantStack["change"] = (method, path, body) =>
    untilAnswered(() => callPolicy(`${stack.policyUrl}/v1/tenants/${path}`, method, body));
  await Promise.all(
    plans.map(async ({ id, document, isMadeLater }) => {
      if (isMadeLater) return;
      await change("PUT", id);
      await change("PUT", `${id}/policy`, document);
    }),
  );
  const cleanup = starting.move();
  return {
    stack,
    sign: (tenant, person) => {
      const iat = Math.floor(Date.now() / 1_000);
      const claims = { ...CLAIMS, tenant_id: tenant, sub: person, sid: randomUUID(), jti: randomUUID() };
      return issuer.sign({ ...claims, iat, exp: iat + 3_600 });
    },
    change,
    publish: (tenant, topic, text) => untilAnswered(() => publishOnce(bus, `events.${tenant}.${topic}`, text)),
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

const CLAIMS = { iss: "http://localhost:8081", aud: "sluice", client_id: "test", login_at: "2026-01-01T00:00:00Z" };

/** A broker on which user `demo` publishes for every tenant, not for its own alone. */
async function startOpenNats(folder: string): Promise<NatsServer> {
  const nats = join(folder, "nats");
  await cp(dirname(NATS_CONFIG), nats, { recursive: true });
  await rewrite(join(nats, "nats.conf"), '"events.*.>", account_token_position: 2', '"events.>"');
  await rewrite(join(nats, "producers/demo.conf"), "events.demo.>", "events.>");
  return startNats({ config: join(nats, "nats.conf"), disk: folder });
}

async function rewrite(path: string, before: string, after: string): Promise<void> {
  await writeFile(path, (await readFile(path, "utf8")).replaceAll(before, after));
}

/** The people exist and cannot log in: their hash is that of one of the demo's users. */
async function usersOf(plans: readonly TenantPlan[]): Promise<object[]> {
  const password = /password: "(.+)"/.exec(await readFile(DEMO_USERS_FILE, "utf8"))?.[1];
  return plans.flatMap(({ id: tenant, people, groups = [] }) =>
    people.map((username) => ({ tenant, username, password, groups })),
  );
}

/** Answers undefined where the call is worth repeating. */
async function callPolicy(url: string, method: string, body: string | undefined): Promise<true | undefined> {
  const headers = { authorization: `Bearer ${TENANTS_OPERATOR_TOKEN}`, "content-type": "application/json" };
  const request = { method, headers, signal: AbortSignal.timeout(5_000), ...(body === undefined ? {} : { body }) };
  const response = await fetch(url, request).catch(() => undefined);
  const text = await response?.text().catch(() => undefined);
  if (response === undefined || text === undefined || response.status === 503) return undefined;
  if (response.ok) return true;
  throw new Error(`${method} ${url} answered ${response.status}: ${text}`);
}

async function publishOnce({ js }: Bus, subject: string, text: string): Promise<true | undefined> {
  const stored = await js
    .publish(subject, text, { msgID: `${subject} ${text}`, timeout: 2_000 })
    .catch(() => undefined);
  return stored === undefined ? undefined : true;
}

async function untilAnswered(attempt: () => Promise<true | undefined>): Promise<void> {
  const giveUpAt = performance.now() + GIVE_UP_MS;
  while ((await attempt()) === undefined) {
    if (performance.now() > giveUpAt) throw new Error(`nobody answered for ${GIVE_UP_MS} ms`);
    await delay(20);
  }
}
