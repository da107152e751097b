/** What a span or one of its events says of itself, by the semantic conventions of OpenTelemetry. */
export type Attributes = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/**
 * Who says that a span's parent is recorded. `inside`: a service of ours, which has decided. `producer`: somebody known, who may decide,
 * as often as the rate allows. `stranger`: anybody, who may name a trace and has no say in whether it is recorded.
 */
export type Trust = "inside" | "producer" | "stranger";

/** How a span begins. */
export interface SpanStart {
  readonly kind: "server" | "client" | "producer" | "consumer" | "internal";
  /** The `traceparent` that it continues. Without one, `inside` begins no trace: what nobody asked for is not traced. */
  readonly parent: string | undefined;
  readonly trust: Trust;
  readonly attributes?: Attributes;
  /** The `traceparent` of each span that has to do with it and is not its parent. */
  readonly links?: readonly string[];
  /** When it began, in milliseconds since 1970, where that is not now. */
  readonly startedAt?: number;
}

/** A part of a trace. One that nobody records takes everything and keeps nothing. */
export interface Span {
  readonly isRecorded: boolean;
  /** What the calls and messages within it carry; undefined where there is no trace. */
  readonly traceparent: string | undefined;
  set(attributes: Attributes): void;
  rename(name: string): void;
  /** Adds the `traceparent` of another span that has to do with it. */
  link(traceparent: string): void;
  /** Notes what happens within it. */
  note(name: string, attributes?: Attributes): void;
  /** Ends it; with an `error.type`, as one that has failed. */
  end(errorType?: string): void;
}

/** Makes spans. It returns at once, never throws, and waits for nobody. */
export interface Tracer {
  /** Whether any span may be recorded. */
  readonly isOn: boolean;
  readonly begin: (name: string, start: SpanStart) => Span;
}

/** A span that nobody records, with the trace that it passes on. */
export function unrecorded(traceparent: string | undefined): Span {
  return { ...NOTHING, traceparent };
}

const NOTHING = {
  isRecorded: false,
  set: (): void => {},
  rename: (): void => {},
  link: (): void => {},
  note: (): void => {},
  end: (): void => {},
} as const;

/** Records nothing, and passes each trace on as it came. */
export const noTracer: Tracer = { isOn: false, begin: (_name, { parent }) => unrecorded(parent) };

/**
 * Does something within a span, which ends with it.
 * @throws what `work` throws; the span has failed then, with the code of the error.
 */
export async function inSpan<Result>(span: Span, work: (span: Span) => Promise<Result>): Promise<Result> {
  try {
    const result = await work(span);
    span.end();
    return result;
  } catch (error) {
    span.end(errorTypeOf(error));
    throw error;
  }
}

/** The stable code of an AppError, the name of any other error. */
function errorTypeOf(error: unknown): string {
  if (!(error instanceof Error)) return "_OTHER";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
