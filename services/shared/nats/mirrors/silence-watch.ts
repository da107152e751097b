import type { StreamInfo } from "@nats-io/jetstream";

/** Knows for how long mirrors have heard nothing of their originals, which speak every second. */
export class SilenceWatch {
  readonly #now: () => number;
  readonly #neverSince = new Map<string, number>();

  /** @param now the monotonic time in milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Looks at a mirror, and answers for how many milliseconds it has heard nothing. JetStream knows no time of one that has heard nothing
   * since it was made or its server started (-1): it counts from the first look at it. 0 for a stream that is no mirror.
   */
  look({ config: { name }, created, mirror }: Pick<StreamInfo, "config" | "created" | "mirror">): number {
    const key = `${name} ${created}`;
    const active = mirror?.active ?? 0;
    if (active >= 0) {
      this.#neverSince.delete(key);
      return active / 1e6;
    }
    const since = this.#neverSince.get(key) ?? this.#now();
    this.#neverSince.set(key, since);
    return this.#now() - since;
  }
}
