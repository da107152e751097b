import { compositeKey } from "#shared/protocol/composite-key.ts";

/**
 * A bounded number of places that nobody can take all of: an owner gets another one while it has fewer than are free. A tenant alone
 * has half of them at most, the next one half of the rest; owners within one, such as its persons, share what it may have in the same way.
 */
export class FairPlaces {
  readonly #max: number;
  readonly #taken = new Map<string, number>();
  #inAll = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Whether the owner that `path` names, from the outermost on, may take another place. */
  hasRoom(path: readonly string[]): boolean {
    let free = this.#max - this.#inAll;
    for (const key of keysOf(path)) {
      free -= this.#taken.get(key) ?? 0;
      if (free <= 0) return false;
    }
    return free > 0;
  }

  /** Takes a place, until it is disposed; undefined where the owner has no room. */
  take(path: readonly string[]): Disposable | undefined {
    if (!this.hasRoom(path)) return undefined;
    this.#change(path, 1);
    return { [Symbol.dispose]: () => this.#change(path, -1) };
  }

  #change(path: readonly string[], by: 1 | -1): void {
    this.#inAll += by;
    for (const key of keysOf(path)) {
      const taken = (this.#taken.get(key) ?? 0) + by;
      if (taken === 0) this.#taken.delete(key);
      else this.#taken.set(key, taken);
    }
  }
}

/** A name for each owner on the way. */
function keysOf(path: readonly string[]): string[] {
  return path.map((_, index) => compositeKey(...path.slice(0, index + 1)));
}
