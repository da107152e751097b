import type { StreamInfo } from "@nats-io/jetstream";
import type { BothRegions } from "./both-regions.ts";
import { lacksEntries } from "./lacks-entries.ts";

/** Longer than a mirror may be ahead of its original with a purge that both carry out. */
const LASTS_MS = 10_000;

/** A bucket is looked through entry by entry once in this time at the most, where it has changed. */
const LIST_EVERY_MS = 30_000;

/** So many missing entries are listed, in some ten bytes each; of more they are only counted. */
const MAX_LISTED = 10_000;

/**
 * Finds mirrors that lack entries in their middle. A link that is cut while entries are on their way has nats-server before 2.15.3 leave them
 * out for good, in silence, and nothing brings them later.
 */
export class LackWatch {
  readonly #deps: BothRegions;
  readonly #since = new Map<string, number>();
  readonly #listed = new Map<string, { readonly at: number; readonly upTo: number }>();

  constructor(deps: BothRegions) {
    this.#deps = deps;
  }

  /** Whether the mirror lacks entries, and has for a while, by looks as often as this is called. */
  async lacks(original: StreamInfo, mirror: StreamInfo): Promise<boolean> {
    const { name } = original.config;
    const isSuspected = this.#since.has(name) || lacksEntries(original, mirror) || this.#isToBeListed(original, mirror);
    if (!isSuspected || !(await this.#lacksNow(original, mirror))) {
      this.#since.delete(name);
      return false;
    }
    const since = this.#since.get(name) ?? this.#deps.now();
    this.#since.set(name, since);
    if (this.#deps.now() - since < LASTS_MS) return false;
    this.#since.delete(name);
    return true;
  }

  /**
   * Of a bucket counts do not tell: a mirror that lacks the last version of a key still has the one before. Those that change all the time have
   * too many to be listed; they are the positions of subscriptions, of which an older one is delivered from once more.
   */
  #isToBeListed(original: StreamInfo, mirror: StreamInfo): boolean {
    const { name, max_msgs_per_subject } = original.config;
    const { last_seq } = mirror.state;
    if (max_msgs_per_subject <= 0 || last_seq !== original.state.last_seq || !isListable(original, mirror))
      return false;
    const { at, upTo } = this.#listed.get(name) ?? { at: -LIST_EVERY_MS, upTo: 0 };
    if (upTo === last_seq || this.#deps.now() - at < LIST_EVERY_MS) return false;
    this.#listed.set(name, { at: this.#deps.now(), upTo: last_seq });
    return true;
  }

  /** The mirror first: each of its entries the original had then, or has had. */
  async #lacksNow(original: StreamInfo, mirror: StreamInfo): Promise<boolean> {
    const { name } = original.config;
    const { here, there } = this.#deps;
    const details = { deleted_details: isListable(original, mirror) };
    const copied = await here.streams.info(name, details);
    const kept = await there.streams.info(name, details);
    return copied.config.mirror !== undefined && lacksEntries(kept, copied);
  }
}

function isListable(...streams: readonly StreamInfo[]): boolean {
  return streams.every(({ state }) => (state.num_deleted ?? 0) <= MAX_LISTED);
}
