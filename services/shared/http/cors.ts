import { isListedOrigin } from "./origin.ts";

/** No request has more headers. */
const MAX_ASKED = 100;

/** What pages of allowed origins may send and read (the Fetch standard, section 3.3); which origins those are is an exact list. */
export const CORS = {
  credentials: true,
  allowMethods: ["GET", "POST", "PUT", "DELETE"],
  allowHeaders: [
    "authorization",
    "baggage",
    "cache-control",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    // An EventSource's own reconnect sends it: without it a stream of another origin never comes back.
    "last-event-id",
    "traceparent",
    "tracestate",
    "x-auth-token",
    "x-request-id",
    "x-sluice-client",
  ],
  exposeHeaders: [
    "etag",
    "retry-after",
    "x-access-token-renewed",
    "x-connection-id",
    "x-request-id",
    "x-sluice-transports",
  ],
  /** In seconds. */
  maxAge: 600,
};

/** An attribute of a CloudEvent whose data is the whole body (CloudEvents HTTP binding, section 3.1). */
const ATTRIBUTE = /^ce-[a-z0-9]{1,64}$/;

/** The headers that a page may send which asks whether it may send these. Names of attributes are free. */
export function allowedHeaders(asked: string | undefined): string[] {
  const names = (asked ?? "")
    .toLowerCase()
    .split(",", MAX_ASKED)
    .map((name) => name.trim());
  return [...CORS.allowHeaders, ...names.filter((name) => ATTRIBUTE.test(name))];
}

/** The headers by which a page may read an answer; none where its origin is not allowed. */
export function corsHeaders(origin: string | undefined, allowedOrigins: readonly string[]): Record<string, string> {
  if (origin === undefined || !isListedOrigin(origin, allowedOrigins)) return {};
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-credentials": "true",
    "access-control-expose-headers": CORS.exposeHeaders.join(", "),
  };
}
