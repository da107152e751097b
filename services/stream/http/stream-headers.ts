/** The path of streams. */
export const STREAM_PATH = "/v1/stream";

/** Caches must not give one page's answer to another, nor one person's. */
export const VARY = "Origin, Cookie, Authorization, X-Auth-Token, Accept, Accept-Encoding";
