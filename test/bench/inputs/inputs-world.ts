import { randomUUID } from "node:crypto";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { JWTPayload } from "jose";
import { openEventStream } from "#test/support/event-stream.ts";
import { startIssuer } from "#test/support/start-issuer.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { type Bus, type Stack, type StackOptions, startStack } from "#test/support/start-stack.ts";

const INFRA = new URL("../../../infra/", import.meta.url);

/** The tenant whose policy the inputs change. */
export const INPUTS_TENANT = "inputs";

/** The files that an input writes, by the setting that names them, below the world's folder. */
export const INPUT_FILES = {
  AUTH_USERS_FILE: "users.yaml",
  AUTH_CLIENTS_FILE: "clients.yaml",
  AUTH_ISSUERS_FILE: "issuers.yaml",
  POLICY_DOCUMENTS_DIR: "documents/inputs.yaml",
  POLICY_TIERS_FILE: "tiers.yaml",
  POLICY_OPERATOR_TOKEN_FILE: "operators",
  PUBLISH_SCHEMAS_DIR: "schemas/demo.yaml",
  STREAM_WEBHOOK_SECRETS_FILE: "webhook-secrets.yaml",
} as const;

/** What takes long to check, at least where it does not fit. */
const SCHEMAS = 'schemas: { label.created: { type: string, pattern: "^(a+)+$" } }\n';

/** The setting of such a file. */
export type InputFile = keyof typeof INPUT_FILES;

/** Real services, and what is needed to send them something. */
export interface InputsWorld extends AsyncDisposable {
  /** Its edge takes the issuer's tokens; auth and policy read their files from the folder. */
  readonly stack: Stack;
  /** Its publisher takes auth's tokens. */
  readonly publisher: RunningService;
  /** What posts the events of subscriptions with a callback. */
  readonly webhooks: RunningService;
  readonly folder: string;
  /** A producer of the tenant `demo`. */
  readonly bus: Bus;
  /** The bus as auth and policy have it. */
  readonly authBus: Bus;
  readonly policyBus: Bus;
  /** An access token of the person carol of `demo`. */
  readonly token: string;
  /** Signs an access token of the tenant `demo` for the edge. */
  readonly sign: (claims?: JWTPayload) => Promise<string>;
}

/** Starts services of its own: an edge that believes an issuer, and the others with files that may be changed. */
export async function openInputsWorld(): Promise<InputsWorld> {
  await using owner = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "sluice-inputs-"));
  owner.defer(() => rm(folder, { recursive: true }));
  const issuer = owner.use(await startIssuer());
  const stack = owner.use(
    await startStack({ ...(await writeFiles(folder)), stream: { AUTH_JWKS_URL: issuer.jwksUri } }),
  );
  const publisher = await stack.startPublish({
    PUBLISH_SCHEMAS_DIR: dirname(join(folder, INPUT_FILES.PUBLISH_SCHEMAS_DIR)),
  });
  const webhooks = await stack.startEdge({
    STREAM_ROLE: "webhooks",
    STREAM_WEBHOOK_SECRETS_FILE: join(folder, INPUT_FILES.STREAM_WEBHOOK_SECRETS_FILE),
  });
  const [{ access_token: token }, bus, authBus, policyBus, made] = await Promise.all([
    stack.login("carol"),
    stack.bus("demo"),
    stack.bus("auth"),
    stack.bus("policy"),
    stack.operate("PUT", INPUTS_TENANT, {}),
  ]);
  if (made.status >= 300) throw new Error(`the tenant was not made: ${JSON.stringify(made.body)}`);
  const world = owner.move();
  return {
    stack,
    publisher,
    webhooks,
    folder,
    bus,
    authBus,
    policyBus,
    token,
    sign: (claims) => issuer.sign(claimsOf(claims)),
    [Symbol.asyncDispose]: () => world.disposeAsync(),
  };
}

/** Writes the demo's files into a folder, and answers the settings that name them. */
async function writeFiles(folder: string): Promise<Pick<StackOptions, "auth" | "policy">> {
  const path = (setting: InputFile): string => join(folder, INPUT_FILES[setting]);
  await cp(new URL("policies", INFRA), dirname(path("POLICY_DOCUMENTS_DIR")), { recursive: true });
  await Promise.all([
    cp(new URL("demo/token-keys.json", INFRA), join(folder, "token-keys.json")),
    cp(new URL("demo/users.yaml", INFRA), path("AUTH_USERS_FILE")),
    cp(new URL("demo/clients.yaml", INFRA), path("AUTH_CLIENTS_FILE")),
    cp(new URL("demo/issuers.yaml", INFRA), path("AUTH_ISSUERS_FILE")),
    mkdir(dirname(path("PUBLISH_SCHEMAS_DIR"))).then(() => writeFile(path("PUBLISH_SCHEMAS_DIR"), SCHEMAS)),
    writeFile(path("STREAM_WEBHOOK_SECRETS_FILE"), "{}\n"),
    writeFile(path("POLICY_TIERS_FILE"), "default: {}\n"),
    writeFile(path("POLICY_OPERATOR_TOKEN_FILE"), "operator: a-token-of-an-operator\n"),
  ]);
  const settings = (...names: InputFile[]): NodeJS.ProcessEnv =>
    Object.fromEntries(names.map((name) => [name, path(name)]));
  return {
    auth: settings("AUTH_USERS_FILE", "AUTH_CLIENTS_FILE", "AUTH_ISSUERS_FILE"),
    policy: {
      ...settings("POLICY_TIERS_FILE", "POLICY_OPERATOR_TOKEN_FILE"),
      POLICY_DOCUMENTS_DIR: dirname(path("POLICY_DOCUMENTS_DIR")),
    },
  };
}

/** Does something while a person reads envelopes of `demo`'s events, and answers once the next event has come. */
export async function whileListening({ stack, sign }: InputsWorld, act: () => Promise<void>): Promise<number> {
  const url = `${stack.streamUrl}/v1/stream?topic=issues.>&format=cloudevents`;
  await using stream = await openEventStream(url, { token: await sign() });
  await stream.frame((frame) => frame.event === "ready");
  await act();
  await stream.receive(1);
  return stream.status;
}

function claimsOf(claims: JWTPayload = {}): JWTPayload {
  const iat = Math.floor(Date.now() / 1_000);
  return {
    iss: "http://localhost:8081",
    aud: "sluice",
    client_id: "inputs",
    tenant_id: "demo",
    sub: "carol",
    login_at: "2026-01-01T00:00:00Z",
    iat,
    exp: iat + 300,
    jti: randomUUID(),
    sid: randomUUID(),
    roles: ["security"],
    ...claims,
  };
}
