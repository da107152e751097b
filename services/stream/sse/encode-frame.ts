import type { EventEntry } from "../event.ts";
import { formatEventId } from "#shared/protocol/event-id.ts";

/** How a client wants its events: the payload as published or a CloudEvents envelope, with or without an event name. */
export interface FrameFormat {
  readonly body: "raw" | "cloudevents";
  readonly naming: "message" | "named";
}

const LF = 10;
const CR = 13;
const END = Buffer.from("\n\n");

/** One name for each of the four formats, for use as a key. */
export function formatKey({ body, naming }: FrameFormat): string {
  return `${body} ${naming}`;
}

/** The frame of an event; every reader with the same format gets the same bytes. */
export function encodeEvent(tenant: string, epoch: string, entry: EventEntry, format: FrameFormat): Buffer {
  const key = formatKey(format);
  const known = entry.frames?.get(key);
  if (known !== undefined) return known;
  const name = format.naming === "named" ? `event: ${entry.type}\n` : "";
  const head = `${name}id: ${formatEventId(epoch, entry.position)}\ndata: `;
  const body = format.body === "raw" ? entry.payload : Buffer.from(cloudEventOf(tenant, epoch, entry));
  const frame = Buffer.concat([Buffer.from(head), escapeLines(body), END]);
  entry.frames ??= new Map();
  entry.frames.set(key, frame);
  return frame;
}

/** A frame of our own: an event with JSON data, and an id where it carries one. Its name never holds a dot. */
export function encodeControl(event: string, data: object | "", id?: string): Buffer {
  const text = data === "" ? "" : JSON.stringify(data);
  return Buffer.from(`event: ${event}\n${id === undefined ? "" : `id: ${id}\n`}data: ${text}\n\n`);
}

/** Tells the client how long to wait before it comes back. */
export function encodeRetry(retryMs: number): Buffer {
  return Buffer.from(`retry: ${retryMs}\n\n`);
}

/** A comment, which no client shows anybody. */
export const BEAT_FRAME = Buffer.from(":\n\n");

/**
 * Begins a new `data:` line wherever a client would see a line end: LF, CR or CR LF. A payload could otherwise forge an
 * id or an event of its own.
 */
function escapeLines(body: Buffer): Buffer {
  if (!body.includes(LF) && !body.includes(CR)) return body;
  return Buffer.from(body.toString("utf8").replaceAll(/\r\n|\r|\n/g, "\ndata: "));
}

/** The event in the JSON format of CloudEvents 1.0, section 3; producers' own `ce-*` attributes win over ours. */
function cloudEventOf(tenant: string, epoch: string, entry: EventEntry): string {
  const given = Object.entries(entry.attributes).filter(([name]) => name.startsWith("ce-") && name !== "ce-data");
  const text = entry.payload.toString("utf8");
  const isJsonText = isJson(text);
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
  return `${attributes.slice(0, -1)},"data":${isJsonText ? text : JSON.stringify(text)}}`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
