import { topicMatches } from "#shared/protocol/topics.ts";
import type { TailEvent, TailFrame } from "#shared/contract/tail-frame.ts";

/** An event that a filter is asked about. */
export interface FilteredEvent {
  readonly seq: number;
  readonly event: Pick<TailEvent, "topic" | "type">;
  readonly attributes: Readonly<Record<string, string>> | undefined;
}

/** Which events a viewer is shown: those of the type, and of any of the topics; all where there is no pattern. */
export interface TailFilter {
  readonly topics: readonly string[];
  readonly type?: string | undefined;
  /** Whether the person whose events are looked for may see it now; undefined where nobody's are. */
  readonly sees?: ((event: FilteredEvent) => boolean) | undefined;
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

/** How many events a person's rights are asked about between two answers of the edges, and of how many the answers are kept. */
const MAX_JUDGED = 500;

/** A viewer's place in a tail. */
export class Watching {
  readonly viewer: TailViewer;
  /** Events up to this sequence are not for the viewer. */
  readonly #after: number;
  #shown = 0;
  #judged = 0;
  readonly #seen = new Map<number, boolean>();
  #leftOut = 0;

  constructor(viewer: TailViewer, after: number) {
    this.viewer = viewer;
    this.#after = after;
  }

  /** Whether an event is for the viewer at all. */
  wants(filtered: FilteredEvent): boolean {
    const { filter } = this.viewer;
    const { topic, type } = filtered.event;
    if (filtered.seq <= this.#after) return false;
    if (filter.type !== undefined && !topicMatches(filter.type, type)) return false;
    if (filter.topics.length > 0 && !filter.topics.some((pattern) => topicMatches(pattern, topic))) return false;
    return filter.sees === undefined || this.#sees(filter.sees, filtered);
  }

  #sees(sees: NonNullable<TailFilter["sees"]>, filtered: FilteredEvent): boolean {
    const known = this.#seen.get(filtered.seq);
    if (known !== undefined) return known;
    const isBeyond = this.#judged >= MAX_JUDGED;
    if (isBeyond) this.#leftOut += 1;
    else this.#judged += 1;
    const isSeen = !isBeyond && sees(filtered);
    this.#seen.set(filtered.seq, isSeen);
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > MAX_JUDGED && oldest !== undefined) this.#seen.delete(oldest);
    return isSeen;
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
    this.#judged = 0;
    if (this.#leftOut > 0) this.viewer.show({ event: "left_out", data: { count: this.#leftOut } });
    this.#leftOut = 0;
  }
}
