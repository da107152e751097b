/** The request that a call is made for: the other side can log it, and the call ends with it. */
export interface CallContext {
  readonly requestId: string;
  /** W3C Trace Context, where the request brought one. */
  readonly traceparent?: string | undefined;
  /** Aborted once nobody waits for the answer any more. */
  readonly signal?: AbortSignal | undefined;
}

/** What a call for several requests is made for. */
export interface SharedContext {
  /** In the order in which they were asked; those without a request are left out. */
  readonly contexts: readonly CallContext[];
  /** Aborted once nobody waits for any of the answers; undefined where somebody always does. */
  readonly signal: AbortSignal | undefined;
}

/** The context of a call for all of these; undefined stands for one that nobody can give up. */
export function shareContexts(all: readonly (CallContext | undefined)[]): SharedContext {
  const contexts = all.filter((context) => context !== undefined);
  const signals = all.flatMap((context) => context?.signal ?? []);
  return { contexts, signal: signals.length < all.length ? undefined : allAborted(signals) };
}

/** A signal that is aborted once all of these are. Most calls are for one request. */
function allAborted(signals: readonly AbortSignal[]): AbortSignal | undefined {
  if (signals.length <= 1) return signals[0];
  const all = new AbortController();
  let left = signals.filter(({ aborted }) => !aborted).length;
  const abort = (): void => {
    left -= 1;
    if (left <= 0) all.abort();
  };
  for (const signal of signals) if (!signal.aborted) signal.addEventListener("abort", abort, { once: true });
  if (left === 0) all.abort();
  return all.signal;
}
