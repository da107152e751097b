import { topicMatches } from "#shared/protocol/topics.ts";
import type { LogEntry, Position } from "../event.ts";

/** A pattern of topics, and what stands before its first wildcard: all of it where it has none. */
export interface WantedTopic {
  readonly pattern: string;
  readonly beginning: string;
}

/** Takes a pattern apart, once for all entries that it is compared with. */
export function wantedTopic(pattern: string): WantedTopic {
  const wildcard = pattern.search(/[*>]/);
  return { pattern, beginning: wildcard === -1 ? pattern : pattern.slice(0, wildcard) };
}

/** Whether a reader of these topics must see the entry. It passes what is no event, and knows only then that it did. */
export function isWanted(entry: LogEntry, topics: readonly WantedTopic[]): boolean {
  return entry.kind !== "event" || topics.some((wanted) => isMatch(wanted, entry.topic));
}

/** The most entries of a block: the place of each is one byte. */
export const BLOCK_ENTRIES = 256;

/**
 * Entries of a log in a row, ordered by their topics as well. Ten thousand who come back at once each pass thousands of entries
 * for others: to look in a block for one topic takes 0.3 µs, to compare 256 topics with it 30.
 */
export class TopicBlock {
  readonly #entries: readonly LogEntry[];
  /** The topics of the events in order, and the place of each event. */
  readonly #topics: readonly string[];
  readonly #places: Uint8Array;
  /** The places of what is no event. */
  readonly #others: readonly number[];
  /** The position of the last entry. */
  readonly end: Position;

  /** `entries`: at least one, and `BLOCK_ENTRIES` at most. */
  constructor(entries: readonly [LogEntry, ...LogEntry[]]) {
    this.#entries = entries;
    this.end = (entries.at(-1) ?? entries[0]).position;
    const events = entries.flatMap((entry, place) => (entry.kind === "event" ? [{ topic: entry.topic, place }] : []));
    events.sort((a, b) => compare(a.topic, b.topic));
    this.#topics = events.map(({ topic }) => topic);
    this.#places = Uint8Array.from(events, ({ place }) => place);
    this.#others = [...entries.keys()].filter((place) => entries[place]?.kind !== "event");
  }

  get length(): number {
    return this.#entries.length;
  }

  /** The entries that a reader of these topics must see, in the log's order. */
  select(topics: readonly WantedTopic[]): readonly LogEntry[] {
    const places = [...this.#others];
    for (const wanted of topics) this.#find(wanted, places);
    if (places.length === 0) return [];
    // One topic may be found by several patterns.
    return [...new Set(places)].toSorted((a, b) => a - b).flatMap((place) => this.#entries[place] ?? []);
  }

  #find(wanted: WantedTopic, found: number[]): void {
    for (let index = this.#firstFrom(wanted.beginning); index < this.#topics.length; index += 1) {
      const topic = this.#topics[index] ?? "";
      if (!topic.startsWith(wanted.beginning)) return;
      if (isMatch(wanted, topic)) found.push(this.#places[index] ?? 0);
    }
  }

  /** The index of the first topic that does not stand before the text. */
  #firstFrom(text: string): number {
    let [low, high] = [0, this.#topics.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#topics[middle] ?? "") < text) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function isMatch({ pattern, beginning }: WantedTopic, topic: string): boolean {
  if (beginning.length === pattern.length) return topic === pattern;
  return topic.startsWith(beginning) && topicMatches(pattern, topic);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
