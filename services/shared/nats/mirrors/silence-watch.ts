import type { StreamInfo } from "@nats-io/jetstream";

/** A mirror that nobody has looked at for so long is gone: each is looked at every few seconds. */
const KEPT_MS = 600_000;

/** Knows for how long mirrors have heard nothing of their originals, which speak every second. */
export class SilenceWatch {
  readonly #now: () => number;
  /** When those that have heard nothing yet were looked at first and last; whose last look is longest ago stands first. */
  readonly #unheard = new Map<string, { readonly since: number; readonly lookedAt: number }>();

  /** @param now the monotonic time in milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Of how many mirrors it knows that they have heard nothing yet. */
  get unheard(): number {
    return this.#unheard.size;
  }

  /**
   * Looks at a mirror, and answers for how many milliseconds it has heard nothing. JetStream knows no time of one that has heard nothing
   * since it was made or its server started (-1): it counts from the first look at it. 0 for a stream that is no mirror.
   */
  look({ config: { name }, created, mirror }: Pick<StreamInfo, "config" | "created" | "mirror">): number {
    const key = `${name} ${created}`;
    const now = this.#now();
    const { since } = this.#unheard.get(key) ?? { since: now };
    this.#unheard.delete(key);
    this.#forgetRemoved(now);
    const active = mirror?.active ?? 0;
    if (active >= 0) return active / 1e6;
    this.#unheard.set(key, { since, lookedAt: now });
    return now - since;
  }

  #forgetRemoved(now: number): void {
    for (const [key, { lookedAt }] of this.#unheard) {
      if (now - lookedAt < KEPT_MS) return;
      this.#unheard.delete(key);
    }
  }
}
