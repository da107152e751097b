import type { Context } from "hono";
import { routePath } from "hono/route";
import { traceparentOf } from "#shared/protocol/traceparent.ts";
import type { Tracer } from "#shared/trace/tracer.ts";

/**
 * Answers a request within a span. Its trace may be one of the caller's; whether it is recorded is ours to say. Of the path only the
 * route is told: paths name people.
 */
export async function traceRequest(c: Context, tracer: Tracer, answer: () => Promise<void>): Promise<void> {
  const { method } = c.req;
  const span = tracer.begin(method, {
    kind: "server",
    parent: traceparentOf(c.req.header("traceparent")),
    trust: "stranger",
    attributes: { "http.request.method": method },
  });
  c.set("traceparent", span.traceparent);
  await answer();
  if (!span.isRecorded) return;
  const route = routeOf(c);
  if (route !== undefined) span.rename(`${method} ${route}`);
  const { status } = c.res;
  span.set({ "http.route": route, "http.response.status_code": status });
  span.end(status >= 500 ? String(status) : undefined);
}

/** The route that has answered; undefined where none has this path. */
function routeOf(c: Context): string | undefined {
  const route = routePath(c, -1);
  return route === "/*" || route === "*" ? undefined : route;
}
