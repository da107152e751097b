import type { EventEntry } from "../event.ts";
import type { ControlData, ControlEvent } from "#shared/protocol/control-frames.ts";
import { formatEventId } from "#shared/protocol/event-id.ts";
import { countLines, writeLines } from "./escape-lines.ts";
import type { FieldMask } from "./field-mask.ts";
import { isJson } from "./is-json.ts";
import { withoutFields } from "./without-fields.ts";

/** How a client wants its events: the payload as published or a CloudEvents envelope, with or without an event name. */
export interface FrameFormat {
  readonly body: "raw" | "cloudevents";
  readonly naming: "message" | "named";
}

/** One name for each of the four formats, for use as a key. */
export function formatKey({ body, naming }: FrameFormat): string {
  return `${body} ${naming}`;
}

/** The frame of an event; every reader with the same format gets the same bytes. */
export function encodeEvent(tenant: string, epoch: string, entry: EventEntry, format: FrameFormat): Buffer;
/** The frame of an event without the fields of a mask; undefined where its data is no JSON, of which no part can be told. */
export function encodeEvent(
  tenant: string,
  epoch: string,
  entry: EventEntry,
  format: FrameFormat,
  mask: FieldMask | undefined,
): Buffer | undefined;
export function encodeEvent(
  tenant: string,
  epoch: string,
  entry: EventEntry,
  format: FrameFormat,
  mask?: FieldMask,
): Buffer | undefined {
  const key = mask === undefined ? formatKey(format) : `${formatKey(format)} ${mask.key}`;
  const known = entry.frames?.get(key);
  if (known !== undefined) return known;
  const payload = mask === undefined ? entry.payload : maskedPayload(entry, mask);
  if (payload === undefined) return undefined;
  const name = format.naming === "named" ? `event: ${entry.type}\n` : "";
  const head = `${name}id: ${formatEventId(epoch, entry.position)}\ndata: `;
  const isRaw = format.body === "raw";
  const data = isRaw ? { before: "", body: payload, behind: "" } : cloudEventOf(tenant, epoch, entry, payload);
  const frame = frameOf(head, data);
  entry.frames ??= new Map();
  entry.frames.set(key, frame);
  entry.onFrame?.(frame);
  return frame;
}

function maskedPayload(entry: EventEntry, mask: FieldMask): Buffer | undefined {
  return isJsonEvent(entry) ? withoutFields(entry.payload, mask) : undefined;
}

/** Found out once: each audience asks, and each reader that is behind. */
function isJsonEvent(entry: EventEntry): boolean {
  return (entry.isJson ??= isJson(entry.payload));
}

/** A frame's data: what stands before and behind the payload has no line ends. */
interface FrameData {
  readonly before: string;
  readonly body: Buffer;
  readonly behind: string;
}

const END = "\n\n";

/**
 * Written at once into memory of its own: a frame lives as long as its event, and in the pool of Buffer it would keep 64 KiB in
 * memory, however small it is.
 */
function frameOf(head: string, { before, body, behind }: FrameData): Buffer {
  const [begin, end] = [`${head}${before}`, `${behind}${END}`];
  const lines = countLines(body);
  const [beginBytes, bodyBytes] = [Buffer.byteLength(begin), body.length + lines.growth];
  const frame = Buffer.allocUnsafeSlow(beginBytes + bodyBytes + end.length);
  frame.write(begin);
  writeLines(frame, beginBytes, lines);
  frame.write(end, beginBytes + bodyBytes);
  return frame;
}

/** The fields of a frame of our own beside its data. */
export interface ControlFields {
  readonly id?: string | undefined;
  /** How long the client is to wait whenever the stream breaks off, in milliseconds. `busy` and `bye` have it in their data. */
  readonly retryMs?: number | undefined;
}

/** A frame of our own: an event with JSON data. */
export function encodeControl<Event extends ControlEvent>(
  event: Event,
  data: ControlData[Event],
  fields?: ControlFields,
): Buffer {
  return Buffer.from(formatControl(event, data, fields));
}

/** The same as text. */
export function formatControl<Event extends ControlEvent>(
  event: Event,
  data: ControlData[Event],
  fields: ControlFields = {},
): string {
  const { id, retryMs = retryOf(data) } = fields;
  const retryLine = retryMs === undefined ? "" : `retry: ${retryMs}\n`;
  const idLine = id === undefined ? "" : `id: ${id}\n`;
  const text = data === "" ? "" : JSON.stringify(data);
  return `${retryLine}event: ${event}\n${idLine}data: ${text}\n\n`;
}

function retryOf(data: ControlData[ControlEvent]): number | undefined {
  return data !== "" && "retryMs" in data ? data.retryMs : undefined;
}

/**
 * Keeps a stream alive: one comment line, which belongs to the frame that comes next. With a blank line behind it, it would be
 * a block without data, and many clients dispatch those.
 */
export const HEARTBEAT = Buffer.from(":\n");

/** The event in the JSON format of CloudEvents 1.0, section 3; producers' own `ce-*` attributes win over ours. */
function cloudEventOf(tenant: string, epoch: string, entry: EventEntry, payload: Buffer): FrameData {
  const given = Object.entries(entry.attributes).filter(([name]) => name.startsWith("ce-") && name !== "ce-data");
  // What is left of JSON is JSON.
  const isJsonText = isJsonEvent(entry);
  const attributes = JSON.stringify({
    specversion: "1.0",
    id: entry.attributes["nats-msg-id"] ?? formatEventId(epoch, entry.position),
    source: `/tenants/${tenant}`,
    type: entry.type,
    subject: entry.topic,
    time: new Date(entry.storedAt).toISOString(),
    datacontenttype: isJsonText ? "application/json" : "text/plain",
    ...Object.fromEntries(given.map(([name, value]) => [name.slice("ce-".length), value])),
  });
  // JSON goes in as it was published: written anew, it would lose the digits of large numbers.
  const body = isJsonText ? payload : Buffer.from(JSON.stringify(payload.toString("utf8")));
  return { before: `${attributes.slice(0, -1)},"data":`, body, behind: "}" };
}
