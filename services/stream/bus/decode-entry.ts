import { isUtf8 } from "node:buffer";
import { crc32 } from "node:zlib";
import type { MsgHdrs } from "@nats-io/transport-node";
import type { z } from "zod";
import { policyEntrySchema, sessionEntrySchema, tenantEntrySchema } from "#shared/contract/control-entry.ts";
import { eventTypeOf, isTopic } from "#shared/contract/topics.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import type { ControlEntry, LogEntry, PoisonEntry, Position } from "../event.ts";

/** A message as JetStream keeps it, from a consumer or from a direct read. */
export interface StoredMessage {
  readonly subject: string;
  readonly seq: number;
  readonly data: Uint8Array;
  readonly storedAtNanos: bigint;
  readonly headers: MsgHdrs | undefined;
}

const NO_ATTRIBUTES: Readonly<Record<string, string>> = Object.freeze({});

/** Makes an entry of a stored message. Producers may have written anything; what cannot be shown becomes poison. */
export function decodeEntry(tenant: string, maxEventBytes: number, message: StoredMessage): LogEntry {
  const position = { seq: message.seq, tag: tagOf(message.storedAtNanos) };
  const prefix = `events.${tenant}.`;
  if (!message.subject.startsWith(prefix)) return decodeControl(tenant, position, message);
  const topic = message.subject.slice(prefix.length);
  // The bus accepts wildcards and control characters inside a published subject; a topic has neither.
  if (!isTopic(topic)) return poison(position, "not_a_topic");
  if (message.data.length > maxEventBytes) return poison(position, "too_large");
  if (!isUtf8(message.data)) return poison(position, "not_utf8");
  return {
    kind: "event",
    position,
    topic,
    type: eventTypeOf(topic),
    // A copy: the message is a window into a chunk of many, and would keep all of it in memory.
    payload: Buffer.from(message.data),
    storedAt: Number(message.storedAtNanos / 1_000_000n),
    attributes: attributesOf(message.headers),
    frames: undefined,
  };
}

/** 32 bits of a message's time of storage in base 36: another message under the same sequence has another tag. */
export function tagOf(storedAtNanos: bigint): string {
  return crc32(storedAtNanos.toString()).toString(36);
}

/** Nanoseconds since 1970 of the timestamps that JetStream writes (RFC 3339 with up to nine decimals). */
export function nanosOf(timestamp: string): bigint {
  const [, seconds = "", fraction = "", zone = "Z"] = /^([^.Z+]+)(?:\.(\d+))?(.*)$/.exec(timestamp) ?? [];
  return BigInt(Date.parse(`${seconds}${zone}`)) * 1_000_000n + BigInt(fraction.padEnd(9, "0").slice(0, 9));
}

function decodeControl(tenant: string, position: Position, { subject, data }: StoredMessage): ControlEntry {
  const prefix = `control.${tenant}.`;
  const change = subject.startsWith(prefix)
    ? changeOf(subject.slice(prefix.length), parseJson(Buffer.from(data).toString("utf8")))
    : undefined;
  return { kind: "control", position, change: change ?? { of: "unknown" } };
}

function changeOf(kind: string, value: unknown): ControlEntry["change"] | undefined {
  if (kind === "policy") return wrap("policy", policyEntrySchema, value);
  if (kind === "session") return wrap("session", sessionEntrySchema, value);
  if (kind === "tenant") return wrap("tenant", tenantEntrySchema, value);
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

function attributesOf(headers: MsgHdrs | undefined): Readonly<Record<string, string>> {
  if (headers === undefined) return NO_ATTRIBUTES;
  const kept = headers.keys().filter((name) => isAttribute(name.toLowerCase()));
  return kept.length === 0
    ? NO_ATTRIBUTES
    : Object.fromEntries(kept.map((name) => [name.toLowerCase(), headers.get(name)]));
}

function isAttribute(name: string): boolean {
  return name === "nats-msg-id" || name.startsWith("ce-");
}

function poison(position: Position, reason: PoisonEntry["reason"]): PoisonEntry {
  return { kind: "poison", position, reason };
}
