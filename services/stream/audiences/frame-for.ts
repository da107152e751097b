import type { Version } from "#shared/contract/version.ts";
import { authorizeEvent } from "../access/authorize-event.ts";
import type { Decisions } from "../access/decisions.ts";
import type { Grant } from "../access/grant.ts";
import type { EventEntry } from "../event.ts";
import type { Observer } from "../observe/observer.ts";
import { encodeEvent, type FrameFormat } from "../frames/encode-frame.ts";

/** A tenant, as far as its events' frames depend on it. */
export interface FrameSource {
  readonly id: string;
  readonly log: { readonly epoch: string };
  readonly decisions: Decisions;
  readonly observer: Pick<Observer, "decided">;
  /** Gives up on an event that cannot be judged or encoded. */
  quarantine(entry: EventEntry, error: unknown): void;
}

/** The receiver of a frame. `endedBy`: the version that ended the grant after this event. `at`: another place in the log to judge it by. */
export interface FrameReader {
  readonly grant: Grant;
  readonly format: FrameFormat;
  readonly endedBy?: Version | undefined;
  readonly at?: number;
}

/**
 * The frame of an event for holders of the grant, where they may see it or a part of it. An event that cannot be judged or
 * encoded is quarantined: every reader passes it.
 */
export function frameFor(
  source: FrameSource,
  entry: EventEntry,
  { grant, format, endedBy, at }: FrameReader,
): Buffer | "denied" | "undecided" {
  try {
    const verdict = authorizeEvent(source.decisions, entry, grant, endedBy, at);
    if (verdict === "undecided") return verdict;
    if (verdict !== "denied") {
      const mask = verdict === "allowed" ? undefined : verdict;
      const frame = encodeEvent(source.id, source.log.epoch, entry, format, mask);
      if (frame !== undefined) {
        source.observer.decided("allowed");
        return frame;
      }
    }
    source.observer.decided("denied");
    return "denied";
  } catch (error) {
    source.quarantine(entry, error);
    return "denied";
  }
}
