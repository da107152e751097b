/** How HAProxy alone does not answer as the others do. */
export const REFUSED_BY_HAPROXY = ["HTTP/2", "dies in the headers"] as const;

/** How an edge fails before a stream has begun, and how it is asked. */
export const EDGE_FAILURES = [
  ["HTTP/1.1", "dies in the headers"],
  REFUSED_BY_HAPROXY,
  ["HTTP/2", "says nothing"],
  // The last: HAProxy then takes the edge for gone, and does not ask it before its next check.
  ["HTTP/1.1", "refuses"],
  ["HTTP/2", "refuses"],
] as const;
