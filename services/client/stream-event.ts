import type { StandardSchemaV1 } from "@standard-schema/spec";

/** An event as it is handed on. */
export interface StreamEvent<Type extends string = string, Data = unknown> {
  /** Its place in the log: what `acknowledge` and `lastEventId` take. */
  readonly id: string;
  /** `order.created`. */
  readonly type: Type;
  /** `order.created.42`. */
  readonly topic: string;
  /** The payload: JSON as a value, everything else as a text. */
  readonly data: Data;
  /** When it was stored, RFC 3339. */
  readonly time: string;
  /** The trace that it belongs to (W3C Trace Context), where it has one. */
  readonly traceparent?: string | undefined;
  /** The whole CloudEvents envelope as the edge wrote it, for what JSON numbers of JavaScript cannot hold. */
  readonly raw: string;
}

/** An event that does not fit the schema of its type, or is no event at all. */
export interface InvalidEvent {
  readonly event: StreamEvent;
  readonly issues: readonly StandardSchemaV1.Issue[];
}
