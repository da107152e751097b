/** The request that a call is made for: the other side can log it, and the call ends with it. */
export interface CallContext {
  /** Undefined where an event is the reason, and no request. */
  readonly requestId: string | undefined;
  /** W3C Trace Context, where the request brought one. */
  readonly traceparent?: string | undefined;
  /** Aborted once nobody waits for the answer any more. */
  readonly signal?: AbortSignal | undefined;
}

/** What a call for several requests is made for. */
export interface SharedContext {
  /** In the order in which they were asked; those without a request are left out. */
  readonly contexts: readonly CallContext[];
  /** Of a call for one request alone: aborted once nobody waits for the answer. A call that requests share goes on. */
  readonly signal: AbortSignal | undefined;
}

/** The context of a call for all of these; undefined stands for one that is made for no request. */
export function shareContexts(all: readonly (CallContext | undefined)[]): SharedContext {
  return {
    contexts: all.filter((context) => context !== undefined),
    signal: all.length === 1 ? all[0]?.signal : undefined,
  };
}
