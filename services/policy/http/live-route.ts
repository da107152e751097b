import { randomUUID } from "node:crypto";
import type { Context, Hono } from "hono";
import { z } from "zod";
import { LIVE_THINGS, type LiveThing } from "#shared/contract/live-things.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { BY_EXPLICIT_TOKEN } from "#shared/http/openapi/credentials.ts";
import { describeCall } from "#shared/http/openapi/describe-call.ts";
import type { LiveChanges } from "../live/live-changes.ts";
import { TENANT, TENANT_ERRORS } from "./admin-calls.ts";
import { authorizeAdmin, type AuthorizeDeps } from "./authorize.ts";
import { tenantParameter } from "./parameters.ts";
import { RETRY_MS, ViewerStream } from "./viewer-stream.ts";

const LIVE = describeCall({
  id: "followLists",
  tag: "What runs",
  summary: "Says which lists of a tenant have changed, as a stream that clients of edges read",
  by: BY_EXPLICIT_TOKEN,
  path: TENANT,
  query: {
    topic: z
      .array(z.enum(LIVE_THINGS.map((thing) => `${thing}.changed`)))
      .describe("`connections.changed`, `subscriptions.changed`."),
  },
  required: ["topic"],
  answers: { 200: { is: "CloudEvents without data.", content: { "text/event-stream": z.string() } } },
  errors: [...TENANT_ERRORS, "malformed_topic", "too_many_requests"],
  example: { path: { tenant: "acme" }, query: { topic: ["connections.changed"] }, status: 200 },
});

/**
 * Adds a stream that says which lists of the console have changed. It speaks as an edge does, so that clients of edges read it: by the
 * address `/v1/tenants/<tenant>/live`, with the topics `connections.changed` and `subscriptions.changed`. There is no history of it.
 */
export function addLiveRoute(api: Hono, authorizeDeps: AuthorizeDeps, live: LiveChanges): void {
  api.get("/v1/tenants/:tenant/live/v1/stream", LIVE, async (c) => {
    const tenant = tenantParameter(c);
    const authorize = (): Promise<string> => authorizeAdmin(authorizeDeps, c, tenant);
    await authorize();
    const things = thingsParameter(c);
    const stream = new ViewerStream();
    const topics = things.map((thing) => ({ topic: `${thing}.changed`, granted: true }));
    stream.send({ event: "ready", data: { connectionId: randomUUID(), topics } });
    stream.own(
      live.open(tenant, {
        changed(thing) {
          if (things.includes(thing)) stream.send({ data: eventOf(tenant, thing, authorizeDeps.wall()) });
        },
        end: (reason) => stream.finish("bye", { reason, retryMs: RETRY_MS }),
      }),
    );
    stream.watchRight({ authorize, policy: () => authorizeDeps.snapshots.find(tenant) });
    return stream.respond(c);
  });
}

/** A CloudEvent without data: whoever needs more reads the list. */
function eventOf(tenant: string, thing: LiveThing, now: number): object {
  const type = `${thing}.changed`;
  const source = `/v1/tenants/${tenant}/live`;
  return { specversion: "1.0", id: randomUUID(), source, type, subject: type, time: new Date(now).toISOString() };
}

function thingsParameter(c: Context): readonly LiveThing[] {
  const asked = new Set(c.req.queries("topic") ?? []);
  const things = LIVE_THINGS.filter((thing) => asked.has(`${thing}.changed`));
  if (things.length > 0 && things.length === asked.size) return things;
  const known = LIVE_THINGS.map((thing) => `${thing}.changed`).join(" and ");
  throw new AppError("malformed_topic", `"topic" must be one of ${known}`);
}
