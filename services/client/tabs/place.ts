import { parseEventId } from "../../shared/protocol/event-id.ts";
import type { Frame } from "../../shared/protocol/frame.ts";

/** An id behind which a reader stands; undefined while it has none. */
export type Place = string | undefined;

/**
 * Which of two places is further on in one log: below 0 where `a` is before `b`, 0 where they are one, above 0 where `a` is behind
 * `b`; undefined where they are of two logs, or one of them is no id.
 */
export function comparePlaces(a: Place, b: Place): number | undefined {
  const [left, right] = [parseEventId(a ?? ""), parseEventId(b ?? "")];
  if (left === undefined || right === undefined || left.epoch !== right.epoch) return undefined;
  return left.position.seq - right.position.seq;
}

/** What a frame is for a reader that stands at a place: it has it, it comes next, or there may be others between. */
export type Fit = "repeats" | "continues" | "breaks";

/** How a frame with this id, and of this name, fits a reader, where the frame's stream stood at `after` before it. */
export function fitOf(place: Place, after: Place, id: string, event: Frame["event"]): Fit {
  if (place === after) return "continues";
  const toFrame = comparePlaces(place, id);
  // The log has lost its end: whether the reader's place is one of before or of now, no number says.
  if (event === "reset" && toFrame !== undefined) return "breaks";
  if (toFrame !== undefined && toFrame >= 0) return "repeats";
  const toStream = comparePlaces(place, after);
  return toStream !== undefined && toStream >= 0 ? "continues" : "breaks";
}
