/** The path of streams. */
export const STREAM_PATH = "/v1/stream";

/** The path of polls. */
export const POLL_PATH = "/v1/poll";

/** The paths at which streams begin. */
export const HANDSHAKE_PATHS = [STREAM_PATH, POLL_PATH] as const;

export type HandshakePath = (typeof HANDSHAKE_PATHS)[number];

/** The header that says which transports are on for the caller. */
export const TRANSPORTS_HEADER = "x-sluice-transports";

/** Caches must not give one page's answer to another, nor one person's. */
export const VARY = "Origin, Cookie, Authorization, X-Auth-Token, Accept, Accept-Encoding";

/** The media types of streams that are a body without an end. */
export const EVENT_STREAM = "text/event-stream; charset=utf-8";
export const NDJSON = "application/x-ndjson";
