import type { Context, Hono } from "hono";
import { z } from "zod";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { scopeSchema } from "#shared/contract/scope-schema.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { BY_TOKEN, TOKEN_ERRORS } from "#shared/http/openapi/credentials.ts";
import { describeCall, jsonAnswer, jsonBody } from "#shared/http/openapi/describe-call.ts";
import { readJson } from "#shared/http/json-api.ts";
import { isName } from "#shared/protocol/names.ts";
import { formatScope } from "#shared/protocol/scope.ts";
import type { ClientKeeper, ClientManagement, MadeSecret } from "../sessions/manage-clients.ts";
import type { FileClients } from "../users/client-directory.ts";
import { MAX_CLIENTS, MAX_SECRETS, type StoredClient } from "../users/stored-client.ts";
import type { User } from "../users/user-directory.ts";
import { clientsSchema, clientSecretSchema } from "./client-answers.ts";
import { authorizeKeeper, type KeeperDeps } from "./authorize-keeper.ts";

interface ClientRoutes extends KeeperDeps {
  readonly management: ClientManagement;
  readonly fileClients: Pick<FileClients, "ofTenant">;
}

/** Whatever policy gives a client that was made without a scope: it publishes, and nothing else. */
const PUBLISHING = [{ permission: "*:publish", topics: ">" }];

/** It is part of the client's id, which is a name. */
const NAME = /^[A-Za-z0-9_-]{1,40}$/;

const makingSchema = z.strictObject({
  name: z.string().regex(NAME, "must be 1 to 40 of the characters A-Z a-z 0-9 _ -"),
  scope: scopeSchema.optional(),
});

const COMMON = { tag: "Clients", by: BY_TOKEN, errors: [...TOKEN_ERRORS, "forbidden", "tenant_unknown"] } as const;
const ERRORS = COMMON.errors;
const IN_TENANT = { tenant: nameSchema };
const CLIENT = { ...IN_TENANT, id: nameSchema };
const EXAMPLE = { tenant: "acme", id: "key-orders-7mq4x2c9ab" };

const LIST = describeCall({
  ...COMMON,
  id: "listClients",
  summary: "Lists the service clients of a tenant; for operators, and with `client:admin`, as the calls below",
  path: IN_TENANT,
  answers: { 200: jsonAnswer("The clients, without their secrets.", clientsSchema) },
  example: { path: { tenant: "acme" }, status: 200 },
});

const MAKE = describeCall({
  ...COMMON,
  id: "makeClient",
  summary: "Makes a service client that publishes, and shows its secret this once",
  path: IN_TENANT,
  body: jsonBody(makingSchema),
  answers: { 201: jsonAnswer("The client and its secret.", clientSecretSchema) },
  errors: [...ERRORS, "limit_exceeded"],
  example: { path: { tenant: "acme" }, body: { name: "orders" }, status: 201 },
});

const ADD_SECRET = describeCall({
  ...COMMON,
  id: "addClientSecret",
  summary: "Gives a client a second secret, and shows it this once; both are good",
  path: CLIENT,
  answers: { 201: jsonAnswer("The secret.", clientSecretSchema) },
  errors: [...ERRORS, "not_found", "limit_exceeded"],
  example: { path: EXAMPLE, status: 201 },
});

const WITHDRAW_SECRET = describeCall({
  ...COMMON,
  id: "withdrawClientSecret",
  summary: "Takes a secret of a client away, and ends the tokens that were issued for it",
  path: { ...CLIENT, number: z.string() },
  answers: { 204: { is: "No token is issued for it any more." } },
  errors: [...ERRORS, "not_found"],
  example: { path: { ...EXAMPLE, number: "1" }, status: 204 },
});

const WITHDRAW = describeCall({
  ...COMMON,
  id: "withdrawClient",
  summary: "Takes a client away with all its secrets and tokens",
  path: CLIENT,
  answers: { 204: { is: "The client is gone." } },
  errors: [...ERRORS, "not_found"],
  example: { path: EXAMPLE, status: 204 },
});

const CLIENTS = "/v1/auth/tenants/:tenant/clients";

/** Adds the calls by which a tenant's service clients are listed, made, given a second secret, and withdrawn. */
export function addClientRoutes(api: Hono, routes: ClientRoutes): void {
  const { management, fileClients } = routes;

  api.get(CLIENTS, LIST, async (c) => {
    const { tenant } = await admit(routes, c);
    const stored = await management.list(tenant);
    const clients = [...fileClients.ofTenant(tenant).map(fileClientResponse), ...stored.map(clientResponse)];
    return c.json({ clients, limits: { clients: MAX_CLIENTS, secrets: MAX_SECRETS } });
  });

  api.post(CLIENTS, MAKE, async (c) => {
    const { tenant, keeper } = await admit(routes, c);
    const { name, scope = PUBLISHING } = await readJson(c, makingSchema);
    return c.json(secretResponse(await management.make(tenant, { name, scope }, keeper)), 201);
  });

  api.delete(`${CLIENTS}/:id`, WITHDRAW, async (c) => {
    const { tenant, keeper } = await admit(routes, c);
    await management.withdraw(tenant, c.req.param("id"), keeper);
    return c.body(null, 204);
  });

  api.post(`${CLIENTS}/:id/secrets`, ADD_SECRET, async (c) => {
    const { tenant, keeper } = await admit(routes, c);
    return c.json(secretResponse(await management.addSecret(tenant, c.req.param("id"), keeper)), 201);
  });

  api.delete(`${CLIENTS}/:id/secrets/:number`, WITHDRAW_SECRET, async (c) => {
    const { tenant, keeper } = await admit(routes, c);
    await management.withdrawSecret(tenant, c.req.param("id"), numberOf(c.req.param("number")), keeper);
    return c.body(null, 204);
  });
}

/** The tenant in the path, and who may keep its clients. A bad name is refused before it becomes a key. */
async function admit(routes: ClientRoutes, c: Context): Promise<{ tenant: string; keeper: ClientKeeper }> {
  const tenant = c.req.param("tenant") ?? "";
  const keeper = await authorizeKeeper(routes, c, tenant);
  if (!isName(tenant)) throw new AppError("tenant_unknown", "there is no such tenant");
  return { tenant, keeper };
}

function numberOf(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new AppError("not_found", "a secret has a number");
}

/** The only answer that ever holds the secret. */
function secretResponse({ client, number, secret }: MadeSecret): Record<string, unknown> {
  return { client_id: client.id, secret_number: number, client_secret: secret, scope: formatScope(client.scope) };
}

function fileClientResponse({ username, roles, groups }: User): Record<string, unknown> {
  return { client_id: username, from: "file", state: "active", roles, groups };
}

function clientResponse(client: StoredClient): Record<string, unknown> {
  const { id, name, scope, madeAt, by, secrets, isWithdrawn, unreadable } = client;
  if (unreadable !== undefined) return { client_id: id, from: "api", state: "unreadable" };
  return {
    client_id: id,
    from: "api",
    state: isWithdrawn ? "withdrawn" : "active",
    name,
    scope: formatScope(scope),
    created_at: madeAt,
    created_by: by,
    secrets: secrets.map((secret) => ({
      number: secret.number,
      created_at: secret.madeAt,
      created_by: secret.by,
      last_used_at: secret.usedAt,
    })),
  };
}
