import { traceOf } from "#shared/contract/event-attributes.ts";
import type { EventEntry } from "../event.ts";
import type { ControlData, ControlEvent } from "#shared/protocol/control-frames.ts";
import { formatEventId } from "#shared/protocol/event-id.ts";
import type { FieldMask } from "./field-mask.ts";
import type { ControlFields, EventFields, FrameData, Framing } from "./framing.ts";
import { isJson } from "./is-json.ts";
import { jsonFraming } from "./json-framing.ts";
import { ndjsonFraming } from "./ndjson-framing.ts";
import { sseFraming } from "./sse-framing.ts";
import { deflatedWebsocketFraming, websocketFraming } from "./websocket-framing.ts";
import { withoutFields } from "./without-fields.ts";

/** How a client wants its events: the payload as published or a CloudEvents envelope, with or without an event name, in which frames. */
export interface FrameFormat {
  readonly body: "raw" | "cloudevents";
  readonly naming: "message" | "named";
  readonly framing: keyof typeof FRAMINGS;
}

/** How a client wants its events, whatever road they come by. */
export type EventFormat = Omit<FrameFormat, "framing">;

const FRAMINGS = {
  sse: sseFraming,
  ndjson: ndjsonFraming,
  websocket: websocketFraming,
  "websocket deflate": deflatedWebsocketFraming,
  json: jsonFraming,
} as const satisfies Record<string, Framing>;

/** One name for each of the formats, for use as a key. */
export function formatKey({ body, naming, framing }: FrameFormat): string {
  return `${body} ${naming} ${framing}`;
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
  // A mask's key may begin like the rest of another format's; no format's has a line end.
  const key = mask === undefined ? formatKey(format) : `${formatKey(format)}\n${mask.key}`;
  const known = entry.frames?.get(key);
  if (known !== undefined) return known;
  const payload = mask === undefined ? entry.payload : maskedPayload(entry, mask);
  if (payload === undefined) return undefined;
  const id = formatEventId(epoch, entry.position);
  const name = format.naming === "named" ? entry.type : undefined;
  const data = dataOf({ tenant, id, name }, entry, payload, format);
  const frame = FRAMINGS[format.framing].encodeEvent({ id, name }, data);
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

/** A frame of our own: an event with JSON data. */
export function encodeControl<Event extends ControlEvent>(
  { framing }: Pick<FrameFormat, "framing">,
  event: Event,
  data: ControlData[Event],
  fields?: ControlFields,
): Buffer {
  return FRAMINGS[framing].encodeControl(event, data, fields);
}

/** What keeps a connection alive that has nothing to say. */
export function heartbeatOf({ framing }: Pick<FrameFormat, "framing">): Buffer {
  return FRAMINGS[framing].heartbeat;
}

/** An event's place in the log, beside itself. */
interface EventPlace extends EventFields {
  readonly tenant: string;
}

function dataOf(place: EventPlace, entry: EventEntry, payload: Buffer, { body, framing }: FrameFormat): FrameData {
  if (body === "raw" && framing !== "json") return { before: "", body: payload, behind: "" };
  // What is left of JSON is JSON.
  const isJsonText = isJsonEvent(entry);
  const attributes = body === "raw" ? { id: place.id, event: place.name } : cloudEventOf(place, entry, isJsonText);
  // A frame for a client says it beside its data; a line of JSON has nothing beside it.
  const own = body === "cloudevents" && framing === "json" ? { sluiceid: place.id } : {};
  // JSON goes in as it was published: written anew, it would lose the digits of large numbers.
  const text = isJsonText ? payload : Buffer.from(JSON.stringify(payload.toString("utf8")));
  return { before: `${JSON.stringify({ ...attributes, ...own }).slice(0, -1)},"data":`, body: text, behind: "}" };
}

/** The attributes of CloudEvents 1.0 in its JSON format, section 3; producers' own `ce-*` attributes win over ours. */
function cloudEventOf({ tenant, id }: EventPlace, entry: EventEntry, isJsonText: boolean): object {
  const given = Object.entries(entry.attributes).filter(([name]) => name.startsWith("ce-") && name !== "ce-data");
  return {
    specversion: "1.0",
    id: entry.attributes["nats-msg-id"] ?? id,
    source: `/tenants/${tenant}`,
    type: entry.type,
    subject: entry.topic,
    time: new Date(entry.storedAt).toISOString(),
    datacontenttype: isJsonText ? "application/json" : "text/plain",
    traceparent: traceOf(entry.attributes),
    ...Object.fromEntries(given.map(([name, value]) => [name.slice("ce-".length), value])),
  };
}
