import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Frame } from "../shared/protocol/frame.ts";
import type { Schemas } from "./options.ts";
import type { StreamEvent } from "./stream-event.ts";

/** An event, and what is wrong with it where it does not fit. */
export interface CheckedEvent {
  readonly event: StreamEvent;
  readonly issues?: readonly StandardSchemaV1.Issue[] | undefined;
}

/** Reads an event's CloudEvents envelope, and checks its data where its type has a schema. It throws nothing. */
export function readEvent(
  { id = "", data = "" }: Frame,
  schemas: Schemas | undefined,
): CheckedEvent | Promise<CheckedEvent> {
  const envelope = parseEnvelope(data);
  if (!envelope) {
    const event = { id, type: "", topic: "", data, time: "", raw: data };
    return { event, issues: [{ message: "this is no CloudEvents envelope" }] };
  }
  const { type, subject: topic, time, traceparent, data: payload } = envelope;
  const event = { id, type, topic, data: payload, time, traceparent, raw: data };
  const schema = Object.hasOwn(schemas ?? {}, type) ? schemas?.[type] : undefined;
  return schema ? checkEvent(event, schema) : { event };
}

interface Envelope {
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly traceparent?: string;
  readonly data?: unknown;
}

function parseEnvelope(text: string): Envelope | undefined {
  try {
    const envelope = JSON.parse(text) as Envelope | null;
    return typeof envelope?.type === "string" ? envelope : undefined;
  } catch {
    return undefined;
  }
}

interface CheckedValue {
  readonly value: unknown;
  readonly issues: readonly StandardSchemaV1.Issue[] | undefined;
}

/** A schema may be asynchronous, and may throw: that is one event's fault, not the stream's. */
function checkEvent(event: StreamEvent, schema: StandardSchemaV1): CheckedEvent | Promise<CheckedEvent> {
  // Some libraries say both what they have read so far, and what is wrong with it.
  const settle = ({ issues, value }: Partial<CheckedValue>): CheckedEvent =>
    issues ? { event, issues } : { event: { ...event, data: value } };
  const fail = (error: unknown): CheckedEvent => ({ event, issues: [{ message: String(error) }] });
  try {
    const result = schema["~standard"].validate(event.data);
    return result instanceof Promise ? result.then(settle, fail) : settle(result);
  } catch (error) {
    return fail(error);
  }
}
