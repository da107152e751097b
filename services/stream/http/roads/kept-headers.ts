import type { ServerResponse } from "node:http";

/** The headers that an accepted stream takes over from its response. */
const KEPT = [
  "access-control-allow-origin",
  "access-control-allow-credentials",
  "access-control-expose-headers",
  "vary",
  "set-cookie",
  "x-access-token-renewed",
  "x-sluice-transports",
];

/** The lines of these headers for the head that a stream writes by itself. */
export function keptHeaders(response: ServerResponse): string[] {
  const names = KEPT.filter((name) => response.hasHeader(name));
  return names.flatMap((name) => [response.getHeader(name) ?? []].flat().map((value) => `${name}: ${value}`));
}
