import { Metadata } from "@grpc/grpc-js";
import type { CallContext } from "#shared/async/call-context.ts";
import { traceparentOf } from "#shared/protocol/traceparent.ts";

const REQUEST_IDS = "x-request-id";

const TRACE = "traceparent";

/** A batch names this many of its requests: a thousand would be more than their questions. */
const MAX_REQUESTS = 8;

/** Ids as ours are made, and lists of them: nothing that a caller sends is logged otherwise. */
const SANE_IDS = /^[A-Za-z0-9._~,-]{1,2048}$/;

/** The metadata of a call that is made for these requests: up to 8 of their ids, and the first trace that one brought. */
export function encodeContext(contexts: readonly CallContext[]): Metadata {
  const metadata = new Metadata();
  const ids = contexts.slice(0, MAX_REQUESTS).map(({ requestId }) => requestId);
  if (ids.length > 0) metadata.set(REQUEST_IDS, ids.join(","));
  const trace = contexts.find(({ traceparent }) => traceparent !== undefined)?.traceparent;
  if (trace !== undefined) metadata.set(TRACE, trace);
  return metadata;
}

/** What a log line says of a call: the requests that it was made for, and their trace. */
export interface CallFacts {
  readonly requestIds?: string;
  readonly traceparent?: string;
}

/** Reads what `encodeContext` wrote. */
export function decodeContext(metadata: Metadata): CallFacts {
  const [requestIds] = metadata.get(REQUEST_IDS);
  const [trace] = metadata.get(TRACE);
  const traceparent = traceparentOf(trace?.toString());
  return {
    ...(typeof requestIds === "string" && SANE_IDS.test(requestIds) && { requestIds }),
    ...(traceparent !== undefined && { traceparent }),
  };
}
