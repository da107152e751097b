import type { Grant } from "../access/decisions.ts";
import type { Registration } from "../access/registration.ts";
import { frameFor } from "../audiences/frame-for.ts";
import type { EventEntry, LogEntry, Position } from "../event.ts";
import type { FrameFormat } from "../sse/encode-frame.ts";
import type { Tenant } from "./tenant.ts";

/** Who reads a slice, and by which grant. */
export interface SliceReader {
  readonly registration: Registration;
  readonly grant: Grant;
  readonly format: FrameFormat;
}

/** What a slice holds for one reader. */
export interface SliceReading {
  readonly frames: readonly Buffer[];
  /** The last entry that was passed; undefined where none could be. */
  readonly cursor: Position | undefined;
  /** The event at which reading stopped because policy has not decided about it. */
  readonly undecided: EventEntry | undefined;
}

/** Reads a slice up to its end, to where the grant ends, or to the first event that is not decided yet. Reads the time `now` once. */
export function readSlice(
  tenant: Tenant,
  slice: readonly LogEntry[],
  { registration, grant, format }: SliceReader,
  now: number,
): SliceReading {
  const frames: Buffer[] = [];
  let cursor: Position | undefined;
  for (const entry of slice) {
    if (registration.grantAt(entry.position.seq, now) === undefined) break;
    if (entry.kind === "event" && registration.asksFor(entry.topic)) {
      const frame = frameFor(tenant, entry, { grant, format, endedBy: registration.grantEndedBy });
      if (frame === "undecided") return { frames, cursor, undecided: entry };
      if (frame !== "denied") frames.push(frame);
    }
    cursor = entry.position;
  }
  return { frames, cursor, undecided: undefined };
}
