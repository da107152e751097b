import { type ControlData, type ControlEvent, retryOf } from "#shared/protocol/control-frames.ts";
import type { ControlFields, EventFields, FrameData, Framing } from "./framing.ts";

const CR = 13;

/** One JSON object to a line, with the fields of a block of Server-Sent Events; an empty line is the heartbeat. */
export const ndjsonFraming: Framing = {
  encodeEvent: (fields, data) => detached(lineOf(eventObject(fields, data))),
  encodeControl: (event, data, fields) => Buffer.from(lineOf(controlObject(event, data, fields))),
  heartbeat: Buffer.from("\n"),
};

/** The frame of an event as a JSON text: its data is the text that a reader of Server-Sent Events has of it. */
export function eventObject({ id, name }: EventFields, { before, body, behind }: FrameData): string {
  return JSON.stringify({ event: name, id, data: `${before}${textOf(body)}${behind}` });
}

/** A frame of our own as a JSON text. */
export function controlObject<Event extends ControlEvent>(
  event: Event,
  data: ControlData[Event],
  { id, retryMs = retryOf(data) }: ControlFields = {},
): string {
  return JSON.stringify({ event, id, retry: retryMs, data: data === "" ? "" : JSON.stringify(data) });
}

/** Some readers of lines end them at these characters, too, which JSON leaves as they are. */
const OTHER_LINE_ENDS = /[\u0085\u2028\u2029]/g;

function lineOf(json: string): string {
  return `${json.replaceAll(OTHER_LINE_ENDS, escapeOf)}\n`;
}

function escapeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Each line end is one LF, as the parser of Server-Sent Events makes them. */
function textOf(body: Buffer): string {
  const text = body.toString("utf8");
  return body.includes(CR) ? text.replaceAll(/\r\n?/g, "\n") : text;
}

/** The bytes of a text in memory of their own: in the pool of Buffer they would keep 64 KiB in memory, however few they are. */
function detached(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}
