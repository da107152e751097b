/** An event that somebody wants to publish, read and checked. */
export interface PublishedEvent {
  /** Given, or made by us: events of one publisher with one id, topic and source are one. */
  readonly id: string;
  /** `order.created.42` */
  readonly topic: string;
  /** `order.created` */
  readonly type: string;
  /** UTF-8, as it stood in the request. */
  readonly payload: Buffer;
  /** Its CloudEvents attributes by name, without `ce-`: what conditions read, and headers of the event. */
  readonly attributes: Readonly<Record<string, string>>;
  /** The trace that it belongs to (W3C Trace Context). */
  readonly traceparent: string | undefined;
}

/** An event as its request describes it, before the request's trace is added. */
export type ReadEvent = Omit<PublishedEvent, "traceparent">;

/** What events may be like. */
export interface EventLimits {
  /** Events in one request. */
  readonly maxEvents: number;
  /** Bytes of one event's payload. */
  readonly maxEventBytes: number;
}

/** One event in JSON: its value, and its text as it stood in the request. */
export interface EventText {
  readonly value: unknown;
  readonly text: string;
}
