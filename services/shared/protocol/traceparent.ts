/** Version, trace id, parent id and flags; behind them, what a later version adds (W3C Trace Context, section 3.2). */
const TRACEPARENT = /^([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Version 0 has 55; a later one may be longer, and nothing makes one of ours longer than this. */
const MAX_CHARACTERS = 128;

/** Where a span stands, as its trace's calls and messages say it. */
export interface TraceContext {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits. */
  readonly spanId: string;
  /** Whether its sender records the trace. */
  readonly isSampled: boolean;
}

/** What lines say of their trace. */
export interface TraceFacts {
  readonly traceId?: string | undefined;
  readonly spanId?: string | undefined;
}

/**
 * The trace that a request or a message belongs to, by its `traceparent` header; undefined where that is missing, malformed or too
 * long. One of a later version is written as version 0 says.
 */
export function traceparentOf(given: string | readonly string[] | undefined): string | undefined {
  if (typeof given !== "string" || given.length > MAX_CHARACTERS) return undefined;
  const [, version, traceId = "", spanId = "", , more] = TRACEPARENT.exec(given) ?? [];
  if (version === undefined || version === "ff") return undefined;
  if (version !== "00") return formatTraceparent({ traceId, spanId, isSampled: isSampled(given) });
  return more === undefined ? given : undefined;
}

/** Takes a `traceparent` apart that `traceparentOf` has passed. */
export function parseTraceparent(traceparent: string): TraceContext {
  return {
    traceId: traceparent.slice(3, 35),
    spanId: traceparent.slice(36, 52),
    isSampled: isSampled(traceparent),
  };
}

/** Whether the sender of a `traceparent` that `traceparentOf` has passed records its trace. */
export function isSampled(traceparent: string): boolean {
  return (Number.parseInt(traceparent.slice(53, 55), 16) & 1) === 1;
}

/** A `traceparent` of version 0. */
export function formatTraceparent({ traceId, spanId, isSampled: sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
}

/** The same trace as one that its sender does not record: a stranger's word must not have it recorded by us. */
export function asUnsampled(traceparent: string): string {
  return formatTraceparent({ ...parseTraceparent(traceparent), isSampled: false });
}

/** What lines say of this trace; nothing where there is none. */
export function traceFactsOf(traceparent: string | undefined): TraceFacts {
  if (traceparent === undefined) return {};
  const { traceId, spanId } = parseTraceparent(traceparent);
  return { traceId, spanId };
}
