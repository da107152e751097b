import { gapBefore } from "../log/resume.ts";
import type { Passage } from "../log/slices.ts";
import type { OwnFrames } from "./own-frames.ts";
import type { Behind } from "./reader-state.ts";

/** Moves a reader past what is not for it, or is gone, without entries, and sends its client the new position. */
export function passOver(state: Behind, passage: Passage, frames: OwnFrames, epoch: string): void {
  frames.sendHole(state);
  state.wait = undefined;
  if ("quietTo" in passage) {
    state.cursor = passage.quietTo;
    return frames.sendCursor(state);
  }
  const { position, notice } = gapBefore(epoch, state.cursor, passage.gone);
  state.cursor = position;
  frames.sendNotice(notice, position);
}
