import type { Context, Hono } from "hono";
import { z } from "zod";
import { MAX_CONNECTIONS_LISTED } from "#shared/contract/edge-questions.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { BY_EXPLICIT_TOKEN } from "#shared/http/openapi/credentials.ts";
import { describeCall, jsonAnswer } from "#shared/http/openapi/describe-call.ts";
import { isName } from "#shared/protocol/names.ts";
import { freeNameSchema, nameSchema } from "#shared/contract/name-schema.ts";
import { readParameter, singleParameter } from "#shared/http/read-parameter.ts";
import type { ConnectionHistory } from "../edges/connection-history.ts";
import type { Edges } from "../edges/edges.ts";
import { closeConnection, type ConnectionClose, findConnection } from "../edges/find-connection.ts";
import { listConnections, listNodes } from "../edges/list-connections.ts";
import { sumClients } from "../edges/sum-clients.ts";
import { authorizeAdmin, type AuthorizeDeps, authorizeOperator } from "./authorize.ts";
import { ADMIN_ERRORS, TENANT } from "./admin-calls.ts";
import { limitSchema, requireFreeName, tenantParameter } from "./parameters.ts";
import { clientHealthSchema, connectionsSchema, foundConnectionSchema, nodesSchema } from "./running-answers.ts";

const afterConnectionSchema = nameSchema.or(z.literal("")).describe("The `next` of the page before.");
const PAGE_QUERY = { after: afterConnectionSchema, limit: limitSchema(MAX_CONNECTIONS_LISTED) };
const CONNECTION = { ...TENANT, connection: nameSchema };

const LIST = describeCall({
  id: "listConnections",
  tag: "What runs",
  summary: "Lists the open streams of a tenant on all edges",
  by: BY_EXPLICIT_TOKEN,
  path: TENANT,
  query: { subject: freeNameSchema, ...PAGE_QUERY },
  answers: { 200: jsonAnswer("A page of streams.", connectionsSchema) },
  errors: ADMIN_ERRORS,
  example: { path: { tenant: "acme" }, status: 200 },
});

const LIST_ALL = describeCall({
  id: "listAllConnections",
  tag: "What runs",
  summary: "Lists the open streams of all tenants; for operators",
  by: BY_EXPLICIT_TOKEN,
  query: PAGE_QUERY,
  answers: { 200: jsonAnswer("A page of streams.", connectionsSchema) },
  errors: ADMIN_ERRORS,
  example: { status: 200 },
});

const LIST_NODES = describeCall({
  id: "listNodes",
  tag: "What runs",
  summary: "Says how each worker of the edges is; for operators",
  by: BY_EXPLICIT_TOKEN,
  answers: { 200: jsonAnswer("The workers.", nodesSchema) },
  errors: ADMIN_ERRORS,
  example: { status: 200 },
});

const SUM_CLIENTS = describeCall({
  id: "sumClients",
  tag: "What runs",
  summary: "Sums what clients have reported of late, by transport, browser, network and region; for operators",
  by: BY_EXPLICIT_TOKEN,
  answers: { 200: jsonAnswer("The sums, those with most reports first.", clientHealthSchema) },
  errors: ADMIN_ERRORS,
  example: { status: 200 },
});

const FIND = describeCall({
  id: "getConnection",
  tag: "What runs",
  summary: "Reads one stream, or for a day what is kept of it",
  by: BY_EXPLICIT_TOKEN,
  path: CONNECTION,
  query: { entries: z.enum(["true", "false"]).describe("Whether to read the connection log of an open stream, too.") },
  answers: { 200: jsonAnswer("The stream, what the connection log keeps of it, or both.", foundConnectionSchema) },
  errors: [...ADMIN_ERRORS, "not_found"],
  example: { path: { tenant: "acme", connection: "w1-Zk3f9a" }, status: 404 },
});

const CLOSE = describeCall({
  id: "closeConnection",
  tag: "What runs",
  summary: "Ends a stream; its client may come back",
  by: BY_EXPLICIT_TOKEN,
  path: CONNECTION,
  answers: { 204: { is: "The stream has ended." } },
  errors: [...ADMIN_ERRORS, "not_found"],
  example: { path: { tenant: "acme", connection: "w1-Zk3f9a" }, status: 404 },
});

interface ConnectionRouteDeps {
  readonly edges: Edges;
  readonly history: ConnectionHistory;
  readonly onClosed: (close: ConnectionClose) => Promise<void>;
}

/** Adds the calls on the open streams of all edges: list, look at and close; how the edges are, and what clients report. */
export function addConnectionRoutes(api: Hono, authorizeDeps: AuthorizeDeps, deps: ConnectionRouteDeps): void {
  const path = "/v1/tenants/:tenant/connections";

  api.get(path, LIST, async (c) => {
    const tenant = tenantParameter(c);
    await authorizeAdmin(authorizeDeps, c, tenant);
    const subject = singleParameter(c, "subject");
    if (subject !== undefined) requireFreeName(subject);
    return c.json(await listConnections(deps.edges, { tenant, subject, ...pageOf(c) }));
  });

  api.get("/v1/connections", LIST_ALL, async (c) => {
    await authorizeOperator(authorizeDeps, c);
    return c.json(await listConnections(deps.edges, pageOf(c)));
  });

  api.get("/v1/nodes", LIST_NODES, async (c) => {
    await authorizeOperator(authorizeDeps, c);
    return c.json(await listNodes(deps.edges));
  });

  api.get("/v1/clients", SUM_CLIENTS, async (c) => {
    await authorizeOperator(authorizeDeps, c);
    return c.json(await sumClients(deps.edges));
  });

  api.get(`${path}/:connection`, FIND, async (c) => {
    const tenant = tenantParameter(c);
    await authorizeAdmin(authorizeDeps, c, tenant);
    return c.json(await findConnection(deps, tenant, connectionParameter(c), c.req.query("entries") === "true"));
  });

  api.delete(`${path}/:connection`, CLOSE, async (c) => {
    const tenant = tenantParameter(c);
    const by = await authorizeAdmin(authorizeDeps, c, tenant);
    const close = { tenant, connectionId: connectionParameter(c), by, address: authorizeDeps.addressOf(c) };
    await closeConnection(deps, close);
    return c.body(null, 204);
  });
}

function pageOf(c: Context): { readonly after: string; readonly limit: number } {
  const after = singleParameter(c, "after") ?? "";
  if (after !== "" && !isName(after)) throw new AppError("malformed_request", "after must be the id of a connection");
  return { after, limit: readParameter(c, "limit", PAGE_QUERY.limit) ?? MAX_CONNECTIONS_LISTED };
}

function connectionParameter(c: Context): string {
  const id = c.req.param("connection") ?? "";
  if (isName(id)) return id;
  throw new AppError("not_found", "there is no such connection");
}
