import { randomUUID } from "node:crypto";

/** What may stand in a log line, a header and a URN as it is (the unreserved characters of RFC 3986). */
const SANE = /^[A-Za-z0-9._~-]{1,128}$/;

/** A request's id: the one that its `X-Request-ID` gives, where that is sane, else a fresh one. */
export function requestIdOf(given: string | readonly string[] | undefined): string {
  return typeof given === "string" && SANE.test(given) ? given : randomUUID();
}
