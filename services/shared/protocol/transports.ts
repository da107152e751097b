/** The roads that a stream's frames come by. An id of one road resumes on every other. */
export const TRANSPORTS = ["sse", "websocket", "ndjson", "poll"] as const;

export type Transport = (typeof TRANSPORTS)[number];
