/** Version, trace id, parent id and flags (W3C Trace Context, section 3.2). */
const SANE = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The trace that a request belongs to, by its `traceparent` header; undefined where that is missing or malformed. */
export function traceparentOf(given: string | readonly string[] | undefined): string | undefined {
  return typeof given === "string" && SANE.test(given) ? given : undefined;
}

/** The trace id in a `traceparent` that `traceparentOf` gave. */
export function traceIdIn(traceparent: string | undefined): string | undefined {
  return traceparent?.split("-")[1];
}
