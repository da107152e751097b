import { isUtf8 } from "node:buffer";
import type { z } from "zod";
import {
  erasedEntrySchema,
  policyEntrySchema,
  sessionEntrySchema,
  tenantEntrySchema,
} from "#shared/contract/control-entry.ts";
import { tagOf } from "#shared/contract/event-tag.ts";
import { readAttributes } from "#shared/nats/read-attributes.ts";
import { eventTypeOf, isTopic } from "#shared/protocol/topics.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import type { ControlEntry, LogEntry, PoisonEntry, Position } from "../event.ts";

/** A message as JetStream keeps it, from a consumer or from a direct read. */
export interface StoredMessage {
  readonly subject: string;
  readonly seq: number;
  readonly data: Uint8Array;
  readonly storedAtNanos: bigint;
  /** The headers it was published with, as they came. */
  readonly headers: Buffer | undefined;
}

/** Makes an entry of a stored message. Producers may have written anything; what cannot be shown becomes poison. */
export function decodeEntry(tenant: string, maxEventBytes: number, message: StoredMessage): LogEntry {
  const position = positionOf(message);
  const prefix = `events.${tenant}.`;
  if (!message.subject.startsWith(prefix)) return decodeControl(tenant, position, message);
  const topic = message.subject.slice(prefix.length);
  const poison = (reason: PoisonEntry["reason"]): PoisonEntry => {
    return { kind: "poison", position, reason, bytes: message.data.length };
  };
  // The bus accepts wildcards and control characters inside a published subject; a topic has neither.
  if (!isTopic(topic)) return poison("not_a_topic");
  if (message.data.length > maxEventBytes) return poison("too_large");
  const attributes = readAttributes(message.headers);
  if (attributes === "too_large") return poison("too_large");
  if (!isUtf8(message.data)) return poison("not_utf8");
  return {
    kind: "event",
    position,
    topic,
    type: eventTypeOf(topic),
    payload: copyOf(message.data),
    storedAt: storedAtOf(message),
    attributes,
    frames: undefined,
    onFrame: undefined,
  };
}

/** Where the message stands in its log. */
export function positionOf({ seq, storedAtNanos }: StoredMessage): Position {
  return { seq, tag: tagOf(storedAtNanos) };
}

/**
 * A copy: the message is a window into a chunk of many, and would keep all of it in memory. A copy in the pool of Buffer would keep
 * 64 KiB, however small it is.
 */
function copyOf(data: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(data.length);
  copy.set(data);
  return copy;
}

function storedAtOf({ storedAtNanos }: StoredMessage): number {
  return Number(storedAtNanos / 1_000_000n);
}

function decodeControl(tenant: string, position: Position, message: StoredMessage): ControlEntry {
  const { subject, data } = message;
  const prefix = `control.${tenant}.`;
  const change = subject.startsWith(prefix)
    ? changeOf(subject.slice(prefix.length), parseJson(Buffer.from(data).toString("utf8")))
    : undefined;
  return { kind: "control", position, storedAt: storedAtOf(message), change: change ?? { of: "unknown" } };
}

function changeOf(kind: string, value: unknown): ControlEntry["change"] | undefined {
  if (kind === "policy") return wrap("policy", policyEntrySchema, value);
  if (kind === "session") return wrap("session", sessionEntrySchema, value);
  if (kind === "tenant") return wrap("tenant", tenantEntrySchema, value);
  if (kind === "erased") return wrap("erased", erasedEntrySchema, value);
  return undefined;
}

function wrap<Of extends string, Schema extends z.ZodType>(
  of: Of,
  schema: Schema,
  value: unknown,
): { of: Of; entry: z.infer<Schema> } | undefined {
  const parsed = schema.safeParse(value);
  return parsed.success ? { of, entry: parsed.data } : undefined;
}
