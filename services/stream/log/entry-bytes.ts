import type { EventEntry, LogEntry } from "../event.ts";

// What the resident memory of a process grows by, measured with Node 24 and a full tail of 256 MiB: beside what is held, it has what
// was let go and is not collected yet, and what the allocator keeps. `npm run bench -- tail-memory` measures it again.

/** An event's objects and the texts of its position, topic and type. A live heap of them alone takes 400. */
const EVENT_BYTES = 1_000;

/** A hole, or an entry of which nothing but its position is kept. */
const OTHER_BYTES = 300;

/** A buffer beside its bytes: objects of the heap, and as much outside of it. */
const BUFFER_BYTES = 1_000;

/** For each byte of a buffer. */
const BYTE_COST = 1.4;

/** An attribute's place in its object, and two texts beside their characters. */
const ATTRIBUTE_BYTES = 300;

/** For each byte of a text, which the heap holds. */
const TEXT_COST = 2;

/** What a message is beside its payload and headers. */
const READ_BYTES = 200;

/** How much memory an entry holds, its frames included. */
export function entryBytes(entry: LogEntry): number {
  if (entry.kind !== "event") return OTHER_BYTES;
  const { payload, topic, attributes, frames } = entry;
  let bytes = EVENT_BYTES + TEXT_COST * topic.length + frameBytes(payload) + TEXT_COST * attributesLength(attributes);
  for (const frame of frames?.values() ?? []) bytes += frameBytes(frame);
  return bytes;
}

/** How much reading an entry from JetStream costs, in bytes. */
export function readBytes(entry: LogEntry): number {
  if (entry.kind === "event") return READ_BYTES + entry.payload.length + attributesLength(entry.attributes);
  return entry.kind === "poison" ? READ_BYTES + entry.bytes : READ_BYTES;
}

/** How much memory a frame adds to its entry. */
export function frameBytes({ length }: Buffer): number {
  return BUFFER_BYTES + Math.ceil(BYTE_COST * length);
}

function attributesLength(attributes: EventEntry["attributes"]): number {
  let length = 0;
  for (const name in attributes)
    length += ATTRIBUTE_BYTES / TEXT_COST + textLength(name) + textLength(attributes[name] ?? "");
  return length;
}

/** In bytes: a text with one character beyond Latin-1 takes two for each. */
function textLength(text: string): number {
  return Buffer.byteLength(text) === text.length ? text.length : 2 * text.length;
}
