import { topicMatches } from "#shared/protocol/topics.ts";
import type { TailEvent, TailFrame } from "./tail-frame.ts";

/** Which events a viewer is shown: those of the type, and of any of the topics; all where there is no pattern. */
export interface TailFilter {
  readonly topics: readonly string[];
  readonly type?: string | undefined;
}

/** Why a tail ends. */
export type TailEnd = "stopping" | "log_changed" | "unavailable";

/** Who looks at a tail. */
export interface TailViewer {
  readonly filter: TailFilter;
  /** Shows a frame at once, or ends the viewer: one that does not read is kept nothing for. */
  show(frame: TailFrame): void;
  end(why: TailEnd): void;
}

/** How many events a viewer is shown between two answers of the edges. */
const MAX_SHOWN = 100;

/** A viewer's place in a tail. */
export class Watching {
  readonly viewer: TailViewer;
  /** Events up to this sequence are not for the viewer. */
  readonly #after: number;
  #shown = 0;
  #leftOut = 0;

  constructor(viewer: TailViewer, after: number) {
    this.viewer = viewer;
    this.#after = after;
  }

  /** Whether an event is for the viewer at all. */
  wants(seq: number, { topic, type }: Pick<TailEvent, "topic" | "type">): boolean {
    const { filter } = this.viewer;
    if (seq <= this.#after) return false;
    if (filter.type !== undefined && !topicMatches(filter.type, type)) return false;
    return filter.topics.length === 0 || filter.topics.some((pattern) => topicMatches(pattern, topic));
  }

  /** Shows an event, or counts it where too many have come; answers whether it was shown. */
  show(event: TailEvent): boolean {
    if (this.#shown >= MAX_SHOWN) {
      this.#leftOut += 1;
      return false;
    }
    this.#shown += 1;
    this.viewer.show({ event: "event", data: event });
    return true;
  }

  /** A new round begins: what was left out in the last is told. */
  beginRound(): void {
    this.#shown = 0;
    if (this.#leftOut > 0) this.viewer.show({ event: "left_out", data: { count: this.#leftOut } });
    this.#leftOut = 0;
  }
}
