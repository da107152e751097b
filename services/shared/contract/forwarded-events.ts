/**
 * How an edge forwards a request to publish: a bus request on this subject whose headers are those of the HTTP request that publishing
 * reads, and whose payload is its body. The answer's headers and payload are those of the HTTP answer.
 */
export const FORWARD_SUBJECT = "publish.event";

/** The header of the request with the client's network; absent where it is this host's own. */
export const ADDRESS_HEADER = "x-sluice-address";

/** The header of the answer with its HTTP status. */
export const ANSWER_STATUS_HEADER = "x-sluice-status";

/** The headers of an HTTP request that publishing reads, beside `ce-…`; the token goes as `authorization`. */
export const FORWARDED_HEADERS = ["content-type", "idempotency-key", "traceparent"] as const;
