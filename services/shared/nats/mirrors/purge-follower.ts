import type { StreamInfo } from "@nats-io/jetstream";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import type { BothRegions } from "./both-regions.ts";

/** Lists of subjects may be long, and what grows too old goes on both sides at slightly different times. */
const AGAIN_AFTER_MS = 30_000;

/**
 * Has purges reach the mirrors, which JetStream does not: subjects that an original has no more go from its mirror. A tenant's log
 * is not its business, as there each erasure is an entry.
 */
export class PurgeFollower {
  readonly #deps: BothRegions;
  readonly #lookedAt = new Map<string, number>();

  constructor(deps: BothRegions) {
    this.#deps = deps;
  }

  /** Looks at a pair of streams, of which the mirror was listed first. */
  async follow(original: StreamInfo, mirror: StreamInfo): Promise<void> {
    const { name } = original.config;
    const { here, there, now } = this.#deps;
    const isLarger = (mirror.state.num_subjects ?? 0) > (original.state.num_subjects ?? 0);
    if (!isLarger || name.startsWith(logStreamName(""))) return;
    if (now() - (this.#lookedAt.get(name) ?? -AGAIN_AFTER_MS) < AGAIN_AFTER_MS) return;
    this.#lookedAt.set(name, now());
    // The mirror first: each of its subjects the original had then, or has had.
    const copied = await here.streams.info(name, { subjects_filter: ">" });
    const kept = await there.streams.info(name, { subjects_filter: ">" });
    if (copied.config.mirror === undefined) return;
    for (const subject of Object.keys(copied.state.subjects ?? {})) {
      // Only what was there when it was listed: the subject may have come back meanwhile.
      if (kept.state.subjects?.[subject] === undefined) {
        await here.streams.purge(name, { filter: subject, seq: copied.state.last_seq + 1 });
      }
    }
  }
}
