import type { EventEntry, LogEntry } from "../event.ts";

/** Objects, position, tag, and the texts of topic and subject without their characters; measured with Node 24. */
const ENTRY_BYTES = 400;

/** A buffer's objects beside its bytes. */
const BUFFER_BYTES = 320;

/** The map of the frames. */
const FRAMES_BYTES = 200;

/** An attribute's place in its object, and two texts without their characters. */
const ATTRIBUTE_BYTES = 120;

/** What a message is beside its payload and headers. */
const READ_BYTES = 200;

/** How much memory an entry holds, its frames included. */
export function entryBytes(entry: LogEntry): number {
  if (entry.kind !== "event") return ENTRY_BYTES;
  const { payload, topic, attributes, frames } = entry;
  let bytes = ENTRY_BYTES + topic.length + bufferBytes(payload) + attributesBytes(attributes);
  for (const frame of frames?.values() ?? []) bytes += frameBytes(frame);
  return bytes;
}

/** How much reading an entry from JetStream costs, in bytes. */
export function readBytes(entry: LogEntry): number {
  if (entry.kind === "event") return READ_BYTES + entry.payload.length + attributesBytes(entry.attributes);
  return entry.kind === "poison" ? READ_BYTES + entry.bytes : READ_BYTES;
}

/** How much memory a frame adds to its entry. The first one pays for the map, as do the others: it is a little. */
export function frameBytes(frame: Buffer): number {
  return FRAMES_BYTES + bufferBytes(frame);
}

function bufferBytes({ length }: Buffer): number {
  return BUFFER_BYTES + length;
}

function attributesBytes(attributes: EventEntry["attributes"]): number {
  let bytes = 0;
  for (const name in attributes) bytes += ATTRIBUTE_BYTES + textBytes(name) + textBytes(attributes[name] ?? "");
  return bytes;
}

/** A text with one character beyond Latin-1 takes two bytes for each. */
function textBytes(text: string): number {
  return Buffer.byteLength(text) === text.length ? text.length : 2 * text.length;
}
