import type { Context, Hono } from "hono";
import { MAX_CONNECTIONS_TOLD } from "#shared/contract/edge-questions.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { isName } from "#shared/protocol/names.ts";
import type { ConnectionHistory } from "../edges/connection-history.ts";
import type { Edges } from "../edges/edges.ts";
import { closeConnection, type ConnectionClose, findConnection } from "../edges/find-connection.ts";
import { listConnections, listNodes } from "../edges/list-connections.ts";
import { sumClients } from "../edges/sum-clients.ts";
import { authorizeAdmin, type AuthorizeDeps, authorizeOperator } from "./authorize.ts";
import { limitParameter, requireFreeName, tenantParameter } from "./parameters.ts";

interface ConnectionRouteDeps {
  readonly edges: Edges;
  readonly history: ConnectionHistory;
  readonly onClosed: (close: ConnectionClose) => Promise<void>;
}

/** Adds the calls on the open streams of all edges: list, look at and close; how the edges are, and what clients report. */
export function addConnectionRoutes(api: Hono, authorizeDeps: AuthorizeDeps, deps: ConnectionRouteDeps): void {
  const path = "/v1/tenants/:tenant/connections";

  api.get(path, async (c) => {
    const tenant = tenantParameter(c);
    await authorizeAdmin(authorizeDeps, c, tenant);
    const subject = c.req.query("subject");
    if (subject !== undefined) requireFreeName(subject);
    return c.json(await listConnections(deps.edges, { tenant, subject, ...pageOf(c) }));
  });

  api.get("/v1/connections", async (c) => {
    await authorizeOperator(authorizeDeps, c);
    return c.json(await listConnections(deps.edges, pageOf(c)));
  });

  api.get("/v1/nodes", async (c) => {
    await authorizeOperator(authorizeDeps, c);
    return c.json(await listNodes(deps.edges));
  });

  api.get("/v1/clients", async (c) => {
    await authorizeOperator(authorizeDeps, c);
    return c.json(await sumClients(deps.edges));
  });

  api.get(`${path}/:connection`, async (c) => {
    const tenant = tenantParameter(c);
    await authorizeAdmin(authorizeDeps, c, tenant);
    return c.json(await findConnection(deps, tenant, connectionParameter(c), c.req.query("entries") === "true"));
  });

  api.delete(`${path}/:connection`, async (c) => {
    const tenant = tenantParameter(c);
    const by = await authorizeAdmin(authorizeDeps, c, tenant);
    const close = { tenant, connectionId: connectionParameter(c), by, address: authorizeDeps.addressOf(c) };
    await closeConnection(deps, close);
    return c.body(null, 204);
  });
}

function pageOf(c: Context): { readonly after: string; readonly limit: number } {
  const after = c.req.query("after") ?? "";
  if (after !== "" && !isName(after)) throw new AppError("malformed_request", "after must be the id of a connection");
  return { after, limit: limitParameter(c, MAX_CONNECTIONS_TOLD) };
}

function connectionParameter(c: Context): string {
  const id = c.req.param("connection") ?? "";
  if (isName(id)) return id;
  throw new AppError("not_found", "there is no such connection");
}
