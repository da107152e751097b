import { formatEventId } from "#shared/protocol/event-id.ts";
import type { Grant } from "../access/grant.ts";
import { createTopicTest } from "../access/topic-test.ts";
import type { Registration } from "../access/registration.ts";
import { frameFor } from "../audiences/frame-for.ts";
import type { Hold } from "../durable/hold.ts";
import type { EventEntry, Position } from "../event.ts";
import { gapTo, type Notice } from "../log/resume.ts";
import type { Slice } from "../log/tail.ts";
import { encodeControl, type FrameFormat } from "../frames/encode-frame.ts";
import type { DueTopics } from "../subscription/late-topics.ts";
import type { Tenant } from "./tenant.ts";

/** The entries after one position and up to another are gone from the log. */
export interface Hole {
  readonly after: Position;
  readonly to: Position;
}

/** A reader of a slice: its registration, its grant, and its place in the log. */
export interface SliceReader {
  readonly registration: Registration;
  readonly grant: Grant;
  readonly format: FrameFormat;
  readonly cursor: Position;
  /** A hole before the slice that the client has not been sent yet. */
  readonly hole: Hole | undefined;
  /** The durable subscription that the slice is read for. */
  readonly hold?: Pick<Hold, "wants"> | undefined;
  /** How many events may be delivered; infinity where nothing bounds them. */
  readonly room: number;
  /** The topics that count behind the cursor, and up to which sequence they do. */
  readonly due: DueTopics;
}

/**
 * The longest that one step of a reader takes. A slice may hold hundreds of entries, each compared with a hundred topics of three
 * thousand characters: that takes a tenth of a second.
 */
export const MAX_STEP_MS = 5;

/** The most bytes of frames that one step makes, but for its last one. Headers and line ends make a frame many times its payload. */
export const MAX_STEP_BYTES = 64 * 1024;

/** The clock is asked once for so many entries: asking costs as much as passing an entry that is not for the reader. */
const ENTRIES_PER_LOOK = 4;

/** What a client is told of a hole, and the position of its id. */
export interface Gap {
  readonly notice: Notice;
  readonly position: Position;
}

/** The part of a slice for one reader. */
export interface SliceReading {
  /** The frames of its events, and of the gaps before them. */
  readonly frames: readonly Buffer[];
  /** The positions of the events. */
  readonly delivered: readonly Position[];
  /** The gaps among the frames. */
  readonly gaps: readonly Gap[];
  /** The last entry that was passed. */
  readonly cursor: Position;
  /** A hole behind the last event among the frames. */
  readonly hole: Hole | undefined;
  /** The event at which reading stopped because policy has not decided about it. */
  readonly undecided: EventEntry | undefined;
}

/**
 * Reads a slice up to its end, to where the grant ends or another topic begins to count, or to the first undecided event, and for a few milliseconds and 64 KiB of frames at most.
 * Holes with no frame for this reader in between are one gap.
 */
export function readSlice(
  tenant: Tenant,
  { entries, end }: Slice,
  { registration, grant, format, due, hold, room, ...from }: SliceReader,
  clock: () => number,
): SliceReading {
  const now = clock();
  const frames: Buffer[] = [];
  const delivered: Position[] = [];
  let { cursor, hole } = from;
  const gaps: Gap[] = [];
  const takeGap = (): Buffer[] => {
    if (hole === undefined) return [];
    const gap = gapOf(tenant.log.epoch, hole, format);
    gaps.push(gap);
    hole = undefined;
    return [gap.frame];
  };
  // Thousands who come back at once each pass thousands of entries for others: what is the same for all is asked once.
  const asksFor = createTopicTest(due.topics);
  const through = Math.min(registration.grantedThrough(now), due.through);
  let [passed, bytes] = [0, 0];
  for (const entry of entries) {
    // What is gone needs no right to be passed.
    if (entry.kind !== "hole" && entry.position.seq > through) break;
    if (delivered.length >= room || bytes >= MAX_STEP_BYTES) break;
    if (entry.kind === "event" && asksFor(entry.topic) && hold?.wants(entry.position, entry.topic) !== false) {
      const frame = frameFor(tenant, entry, { grant, format, endedBy: registration.grantEndedBy });
      if (frame === "undecided") return { frames, delivered, gaps, cursor, hole, undecided: entry };
      if (frame === "denied") tenant.reach.denied(entry.position.seq);
      else {
        frames.push(...takeGap(), frame);
        delivered.push(entry.position);
        bytes += frame.length;
      }
    }
    if (entry.kind === "hole") hole = { after: hole?.after ?? cursor, to: entry.position };
    cursor = entry.position;
    if (passed % ENTRIES_PER_LOOK === 0 && clock() - now > MAX_STEP_MS) break;
    passed += 1;
  }
  // Behind the last entry that is listed, others were left out.
  if (passed === entries.length && cursor.seq < end.seq && end.seq <= through) cursor = end;
  return { frames, delivered, gaps, cursor, hole, undecided: undefined };
}

/** The `gap` frame of a hole. */
export function gapOf(
  epoch: string,
  { after, to }: Hole,
  format: Pick<FrameFormat, "framing">,
): Gap & { readonly frame: Buffer } {
  const { notice, position } = gapTo(epoch, after, to, "erased");
  const id = formatEventId(epoch, position);
  return { notice, position, frame: encodeControl(format, notice.event, notice.data, { id }) };
}
