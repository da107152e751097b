import type { Grant } from "../access/grant.ts";
import type { Registration } from "../access/registration.ts";
import type { Hold } from "../durable/hold.ts";
import type { FrameFormat } from "../frames/encode-frame.ts";
import type { StreamTrace } from "../observe/stream-trace.ts";
import type { Slice } from "../log/tail.ts";
import { dueTopics, type LateTopics } from "../subscription/late-topics.ts";
import type { Connection } from "./connection.ts";
import type { OwnFrames } from "./own-frames.ts";
import { advance, type Behind, type ReaderDeps } from "./reader-state.ts";
import { readSlice, type SliceReading } from "./read-slice.ts";
import type { Tenant } from "./tenant.ts";

/** A reader, as far as a slice is written for it. */
export interface SliceWriter {
  readonly registration: Registration;
  readonly connection: Pick<Connection, "write" | "room">;
  readonly frames: OwnFrames;
  readonly durable: Hold | undefined;
  readonly late: LateTopics | undefined;
  readonly trace: StreamTrace | undefined;
  gotEvents(events: number, now: number): void;
}

/** Writes a slice's frames for a reader, up to the first undecided event, and moves it past what was read. */
export function writeSlice(
  tenant: Tenant,
  slice: Slice,
  reader: SliceWriter,
  state: Behind,
  { grant, format }: { readonly grant: Grant; readonly format: FrameFormat },
  now: ReaderDeps["now"],
): SliceReading {
  const { registration, durable: hold } = reader;
  const { cursor, hole } = state;
  const due = dueTopics(registration.topics, reader.late, cursor.seq);
  const room = roomOf(reader);
  const reading = readSlice(tenant, slice, { registration, grant, format, cursor, hole, due, hold, room }, now);
  const { frames, delivered, gaps } = reading;
  advance(state, reading);
  for (const gap of gaps) reader.frames.noteLoss(gap);
  hold?.delivered(delivered);
  if (reading.cursor !== cursor && state.slices.isAtMark) reader.frames.sendCursor(state);
  if (frames.length > 0) writeFrames(tenant, slice, reader, reading, now);
  // What is stored of it would pass a hole of which its client was not told.
  if (hold !== undefined) reader.frames.sendHole(state);
  return reading;
}

function writeFrames(
  tenant: Tenant,
  slice: Slice,
  reader: SliceWriter,
  { frames, delivered }: SliceReading,
  now: ReaderDeps["now"],
): void {
  const bytes = Buffer.concat(frames);
  reader.connection.write(bytes, delivered);
  tenant.traces?.caughtUp(tenant, slice.entries, delivered, reader.trace?.traceparent);
  reader.gotEvents(delivered.length, now());
  for (const { seq } of delivered) tenant.reach.written(seq, 1);
  tenant.noteWritten(delivered.length, bytes.length);
}

/** How many events may be delivered: what its window has room for, as its connection takes them. */
function roomOf({ connection, durable }: Pick<SliceWriter, "connection" | "durable">): number {
  return Math.min(durable?.room ?? Number.POSITIVE_INFINITY, connection.room ?? Number.POSITIVE_INFINITY);
}
