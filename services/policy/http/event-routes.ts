import type { Context, Hono } from "hono";
import { z } from "zod";
import { AppError } from "#shared/errors/app-error.ts";
import { BY_EXPLICIT_TOKEN } from "#shared/http/openapi/credentials.ts";
import { describeCall, jsonAnswer } from "#shared/http/openapi/describe-call.ts";
import { type EventId, parseEventId } from "#shared/protocol/event-id.ts";
import { audienceOf, type InspectDeps, inspectEvent } from "../inspect-event.ts";
import { authorizeAdmin, type AuthorizeDeps, authorizePermission } from "./authorize.ts";
import { TENANT, TENANT_ERRORS } from "./admin-calls.ts";
import { audienceSchema, inspectedEventSchema } from "./running-answers.ts";
import { tenantParameter } from "./parameters.ts";

/** The permission that lets a subject read the payloads of all events of its tenant, whatever else it may see. */
const INSPECT_PERMISSION = "event:inspect";

const EVENT = { ...TENANT, event: z.string().max(128).describe("The id of an event.") };

const INSPECT = describeCall({
  id: "inspectEvent",
  tag: "Events",
  summary: "Shows an event as it was published; needs `event:inspect`, and is noted in the audit trail",
  by: BY_EXPLICIT_TOKEN,
  path: EVENT,
  answers: { 200: jsonAnswer("The event.", inspectedEventSchema) },
  errors: [...TENANT_ERRORS, "not_found"],
  example: { path: { tenant: "acme", event: "d2f3b106f528.2884.152elnb" }, status: 404 },
});

const SEE_AUDIENCE = describeCall({
  id: "getAudience",
  tag: "Events",
  summary: "Says who of those who are connected sees an event",
  by: BY_EXPLICIT_TOKEN,
  path: EVENT,
  answers: { 200: jsonAnswer("The people.", audienceSchema) },
  errors: [...TENANT_ERRORS, "not_found"],
  example: { path: { tenant: "acme", event: "d2f3b106f528.2884.152elnb" }, status: 404 },
});

/** Adds the calls on one event: its payload, and who of those who are connected sees it. */
export function addEventRoutes(api: Hono, authorizeDeps: AuthorizeDeps, deps: InspectDeps): void {
  const path = "/v1/tenants/:tenant/events/:event";

  api.get(path, INSPECT, async (c) => {
    const tenant = tenantParameter(c);
    const by = await authorizePermission(authorizeDeps, c, tenant, INSPECT_PERMISSION);
    const look = { tenant, by, address: authorizeDeps.addressOf(c) };
    return c.json(await inspectEvent(deps, eventParameter(c), look));
  });

  api.get(`${path}/audience`, SEE_AUDIENCE, async (c) => {
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
