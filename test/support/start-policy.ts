import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JWTPayload } from "jose";
import { type Issuer, startIssuer } from "./start-issuer.ts";
import { type NatsServer, startNats } from "./start-nats.ts";
import { type People, startPeople } from "./start-people.ts";
import { type RunningService, startService } from "./start-service.ts";

/** The operator's token of the policy that `startPolicyStack` starts. */
export const OPERATOR_TOKEN = "an-operator-token-for-this-test";

/** A document for tenant `acme`, where carol is the administrator. */
export const ACME_DOCUMENT = `
tenant: acme
roles:
  viewer: { allow: ["order:read"], deny: ["order:read@order.hidden.>"] }
  admin: { allow: ["*:*"] }
  halfAdmin: { allow: ["policy:admin@order.*"] }
bindings:
  - { role: admin, subjects: [carol] }
  - { role: viewer, subjects: [alice] }
  - { role: halfAdmin, subjects: [eve] }
events: { "order.*": order:read }
`;

const ISSUER = "http://auth.test";

/** An answer of policy's HTTP API. */
export interface PolicyAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** The claims of a token that matter to policy. */
interface StackClaims {
  readonly tenant_id?: string | undefined;
  readonly sid?: string;
  readonly roles?: string[];
  readonly groups?: string[];
}

/** policy on a NATS server of its own, and an issuer of access tokens that it trusts. */
export interface PolicyStack extends AsyncDisposable {
  readonly nats: NatsServer;
  readonly policy: RunningService;
  readonly url: string;
  /** The directory of documents that it watches; empty at first. */
  readonly documents: string;
  /** Calls the API, as the operator unless `headers` say otherwise. */
  readonly call: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) => Promise<PolicyAnswer>;
  /** The auth that this policy asks. */
  readonly people: People;
  /** The headers of a request by this subject of tenant `acme`, who holds what the token says from now on; `claims` override. */
  readonly as: (sub: string, claims?: StackClaims) => Promise<{ authorization: string }>;
}

/** Starts NATS, an issuer's key set over HTTP, and policy without any tenant; `env` overrides its settings. */
export async function startPolicyStack(env: NodeJS.ProcessEnv = {}): Promise<PolicyStack> {
  await using starting = new AsyncDisposableStack();
  const nats = starting.use(await startNats());
  const documents = await mkdtemp(join(tmpdir(), "sluice-policies-"));
  starting.defer(() => rm(documents, { recursive: true }));
  const issuer = starting.use(await startIssuer("ES256", "k1"));
  const people = starting.use(await startPeople());
  const policy = starting.use(
    await startService("policy", {
      NATS_URL: nats.url("policy"),
      POLICY_DOCUMENTS_DIR: documents,
      POLICY_OPERATOR_TOKEN: OPERATOR_TOKEN,
      POLICY_ALLOWED_ORIGINS: "https://console.test",
      POLICY_TRUSTED_PROXIES: "127.0.0.0/8",
      AUTH_JWKS_URL: issuer.jwksUri,
      AUTH_ISSUER: ISSUER,
      AUTH_GRPC_URL: people.url,
      ...env,
    }),
  );
  const stack = starting.move();
  const url = `http://127.0.0.1:${policy.ports.http}`;
  return {
    nats,
    policy,
    url,
    documents,
    call: (...request) => callPolicy(url, ...request),
    people,
    as: async (sub, claims = {}) => {
      const { tenant_id: tenant = "acme", roles = [], groups = [] } = claims;
      people.hold(tenant, sub, { roles, groups });
      return { authorization: `Bearer ${await sign(issuer, { sub, tenant_id: "acme", ...claims })}` };
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Calls policy's HTTP API, as the operator unless `headers` say otherwise. */
async function callPolicy(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = { authorization: `Bearer ${OPERATOR_TOKEN}` },
): Promise<PolicyAnswer> {
  const sent = typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
  const response = await fetch(url + path, { method, headers, ...(sent === undefined ? {} : { body: sent }) });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}

/** Signs as auth does; the claims cannot change whose token it is, and for whom. */
function sign(issuer: Issuer, claims: JWTPayload): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  const own = { iss: ISSUER, aud: "sluice", jti: "j1", iat: now, exp: now + 300 };
  return issuer.sign({ client_id: "web", sid: "s1", login_at: "2026-01-01T00:00:00Z", ...claims, ...own });
}
