import { type ControlData, type ControlEvent, retryOf } from "#shared/protocol/control-frames.ts";
import { countLines, writeLines } from "./escape-lines.ts";
import type { ControlFields, EventFields, FrameData, Framing } from "./framing.ts";

const END = "\n\n";

/** Blocks of Server-Sent Events (HTML standard, section 9.2.6). */
export const sseFraming: Framing = {
  encodeEvent: encodeBlock,
  encodeControl: (event, data, fields) => Buffer.from(formatControl(event, data, fields)),
  // One comment line, which belongs to the frame that comes next. With a blank line behind it, it would be a block without data, and
  // many clients dispatch those.
  heartbeat: Buffer.from(":\n"),
};

/** A frame of our own as text. */
function formatControl<Event extends ControlEvent>(
  event: Event,
  data: ControlData[Event],
  fields: ControlFields = {},
): string {
  const { id, retryMs = retryOf(data) } = fields;
  const retryLine = retryMs === undefined ? "" : `retry: ${retryMs}\n`;
  const idLine = id === undefined ? "" : `id: ${id}\n`;
  const text = data === "" ? "" : JSON.stringify(data);
  return `${retryLine}event: ${event}\n${idLine}data: ${text}${END}`;
}

/** Written at once into memory of its own: in the pool of Buffer it would keep 64 KiB in memory, however small it is. */
function encodeBlock({ id, name }: EventFields, { before, body, behind }: FrameData): Buffer {
  const nameLine = name === undefined ? "" : `event: ${name}\n`;
  const [begin, end] = [`${nameLine}id: ${id}\ndata: ${before}`, `${behind}${END}`];
  const lines = countLines(body);
  const [beginBytes, bodyBytes] = [Buffer.byteLength(begin), body.length + lines.growth];
  const frame = Buffer.allocUnsafeSlow(beginBytes + bodyBytes + end.length);
  frame.write(begin);
  writeLines(frame, beginBytes, lines);
  frame.write(end, beginBytes + bodyBytes);
  return frame;
}
