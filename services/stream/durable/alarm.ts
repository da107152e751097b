/** Timers take no longer waits. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** What an alarm goes by. */
interface AlarmDeps {
  /** The time now, in milliseconds since 1970. */
  readonly context: () => { readonly now: number };
}

/** Rings once, at the earliest time that it was set to. One that rings too early costs one look. */
export class Alarm implements Disposable {
  readonly #ring: () => Promise<void>;
  readonly #deps: AlarmDeps;
  #timer: NodeJS.Timeout | undefined;
  #at = Number.POSITIVE_INFINITY;

  constructor(ring: () => Promise<void>, deps: AlarmDeps) {
    this.#ring = ring;
    this.#deps = deps;
  }

  /** Rings at `at`, unless it is set to an earlier time. */
  setEarlier(at: number): void {
    if (at >= this.#at) return;
    clearTimeout(this.#timer);
    this.#at = at;
    this.#timer = setTimeout(
      () => void this.#ring(),
      Math.min(Math.max(0, at - this.#deps.context().now), LONGEST_WAIT_MS),
    );
  }

  /** Rings no more until it is set again. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#at = Number.POSITIVE_INFINITY;
  }
}
