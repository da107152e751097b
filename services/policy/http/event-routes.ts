import type { Context, Hono } from "hono";
import { AppError } from "#shared/errors/app-error.ts";
import { type EventId, parseEventId } from "#shared/protocol/event-id.ts";
import { audienceOf, type InspectDeps, inspectEvent } from "../inspect-event.ts";
import { authorizeAdmin, type AuthorizeDeps, authorizePermission } from "./authorize.ts";
import { tenantParameter } from "./parameters.ts";

/** The permission that lets a subject read the payloads of all events of its tenant, whatever else it may see. */
const INSPECT_PERMISSION = "event:inspect";

/** Adds the calls on one event: its payload, and who of those who are connected sees it. */
export function addEventRoutes(api: Hono, authorizeDeps: AuthorizeDeps, deps: InspectDeps): void {
  const path = "/v1/tenants/:tenant/events/:event";

  api.get(path, async (c) => {
    const tenant = tenantParameter(c);
    const by = await authorizePermission(authorizeDeps, c, tenant, INSPECT_PERMISSION);
    const look = { tenant, by, address: authorizeDeps.addressOf(c) };
    return c.json(await inspectEvent(deps, eventParameter(c), look));
  });

  api.get(`${path}/audience`, async (c) => {
    const tenant = tenantParameter(c);
    await authorizeAdmin(authorizeDeps, c, tenant);
    return c.json(await audienceOf(deps, tenant, eventParameter(c)));
  });
}

function eventParameter(c: Context): EventId {
  const id = parseEventId(c.req.param("event") ?? "");
  if (id === undefined) throw new AppError("malformed_request", "the path must name the id of an event");
  return id;
}
