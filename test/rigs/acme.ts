import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServiceName } from "../../scripts/shared/service-calls.ts";
import { hashPassword } from "../../services/auth/users/password-hash.ts";
import { freePort } from "../support/ports.ts";
import { requireOk } from "../support/require-ok.ts";
import { startRedis } from "../support/start-redis.ts";
import { type Stack, startStack } from "../support/start-stack.ts";

/** All services with the tenant, the person and the client that the examples of the API documents are about. */
export interface Acme extends AsyncDisposable {
  /** Where each service's API is. */
  readonly urls: Readonly<Record<ServiceName, string>>;
  /** Ann's tokens, of a session of their own. */
  logIn(): Promise<{ readonly access_token: string; readonly refresh_token: string; readonly session_id: string }>;
  /** What the client authenticates with, as the header has it. */
  readonly client: string;
}

const PASSWORD = "correct-horse";

const DOCUMENT = {
  tenant: "acme",
  roles: { admin: { allow: ["*:*"] } },
  bindings: [{ role: "admin", subjects: ["ann"] }],
  events: { "order.*": "order:read" },
};

/** Settings of the services, beside those that they need here. */
export type AcmeSettings = Readonly<Partial<Record<keyof Acme["urls"], NodeJS.ProcessEnv>>>;

/** Starts them. */
export async function startAcme(env: AcmeSettings = {}): Promise<Acme> {
  await using starting = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "sluice-acme-"));
  starting.defer(() => rm(folder, { recursive: true }));
  const hash = await hashPassword(PASSWORD);
  await mkdir(join(folder, "none"));
  await writeFile(join(folder, "users.yaml"), JSON.stringify([{ tenant: "acme", username: "ann", password: hash }]));
  await writeFile(
    join(folder, "clients.yaml"),
    JSON.stringify([{ tenant: "acme", client_id: "billing", secret: hash }]),
  );
  const files = { AUTH_USERS_FILE: join(folder, "users.yaml"), AUTH_CLIENTS_FILE: join(folder, "clients.yaml") };
  const redis = starting.use(await startRedis());
  const grpc = String(await freePort());
  const stack = starting.use(
    await startStack({
      redis,
      auth: { ...files, POLICY_GRPC_URL: `127.0.0.1:${grpc}`, ...env.auth },
      policy: { POLICY_DOCUMENTS_DIR: join(folder, "none"), POLICY_GRPC_PORT: grpc, ...env.policy },
      stream: { REDIS_URL: redis.streamUrl, ...env.stream },
    }),
  );
  const publisher = await stack.startPublish({ REDIS_URL: redis.publishUrl, ...env.publish });
  await expectOk(stack.operate("PUT", "acme"));
  await expectOk(stack.operate("PUT", "acme/policy", DOCUMENT));
  const parts = starting.move();
  return {
    urls: {
      auth: stack.authUrl,
      policy: stack.policyUrl,
      publish: `http://127.0.0.1:${publisher.ports.http}`,
      stream: stack.streamUrl,
    },
    client: `Basic ${Buffer.from(`billing:${PASSWORD}`).toString("base64")}`,
    async logIn() {
      const headers = { "content-type": "application/json" };
      const body = JSON.stringify({ tenant: "acme", username: "ann", password: PASSWORD });
      const url = `${stack.authUrl}/v1/auth/login`;
      const response = await requireOk(fetch(url, { method: "POST", headers, body }));
      return (await response.json()) as Awaited<ReturnType<Acme["logIn"]>>;
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

async function expectOk(answer: ReturnType<Stack["operate"]>): Promise<void> {
  const { status, body } = await answer;
  if (status >= 300) throw new Error(`policy answered ${status}: ${JSON.stringify(body)}`);
}
