import { Metadata } from "@grpc/grpc-js";
import type { CallContext } from "#shared/async/call-context.ts";
import { isSampled, type TraceFacts, traceFactsOf, traceparentOf } from "#shared/protocol/traceparent.ts";

const REQUEST_IDS = "x-request-id";

/** The key of a call's trace. */
export const TRACE = "traceparent";

/** A batch names this many of its requests: a thousand would be more than their questions. */
const MAX_REQUESTS = 8;

/** Ids as ours are made, and lists of them: nothing that a caller sends is logged otherwise. */
const SANE_IDS = /^[A-Za-z0-9._~,-]{1,2048}$/;

/** The metadata of a call that is made for these requests: up to 8 of their ids, and one of their traces: the first that is recorded, if one is. */
export function encodeContext(contexts: readonly CallContext[]): Metadata {
  const metadata = new Metadata();
  const ids = contexts.flatMap(({ requestId }) => requestId ?? []).slice(0, MAX_REQUESTS);
  if (ids.length > 0) metadata.set(REQUEST_IDS, ids.join(","));
  const traces = contexts.flatMap(({ traceparent }) => traceparent ?? []);
  const trace = traces.find(isSampled) ?? traces[0];
  if (trace !== undefined) metadata.set(TRACE, trace);
  return metadata;
}

/** What a log line says of a call: the requests that it was made for, and their trace. */
export interface CallFacts extends TraceFacts {
  readonly requestIds?: string;
}

/** Reads what `encodeContext` wrote. */
export function decodeContext(metadata: Metadata): CallFacts {
  const [requestIds] = metadata.get(REQUEST_IDS);
  return {
    ...(typeof requestIds === "string" && SANE_IDS.test(requestIds) && { requestIds }),
    ...traceFactsOf(traceIn(metadata)),
  };
}

/** The trace that a call belongs to; undefined where it names none. */
export function traceIn(metadata: Metadata): string | undefined {
  return traceparentOf(metadata.get(TRACE)[0]?.toString());
}
