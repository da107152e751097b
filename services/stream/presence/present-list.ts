import { isListable, type Present } from "./presence-news.ts";

/** Collects who listens to a watched topic, connection by connection, and keeps no more people than may be listed. */
export class PresentList {
  readonly #wasListed: boolean;
  readonly #people = new Map<string, number>();
  #devices = 0;

  /** `wasListed`: people were listed when they were told last. */
  constructor(wasListed: boolean) {
    this.#wasListed = wasListed;
  }

  /** Adds a connection of a person, open since then. */
  add(subject: string, sinceMs: number): void {
    this.#devices += 1;
    const known = this.#people.get(subject);
    // One more than may be listed shows that they are too many.
    if (known === undefined && !isListable(this.#people.size, this.#wasListed)) return;
    this.#people.set(subject, Math.min(sinceMs, known ?? sinceMs));
  }

  /** Who was found. */
  result(): Present {
    const isListed = isListable(this.#people.size, this.#wasListed);
    return { people: isListed ? this.#people : undefined, devices: this.#devices };
  }
}
