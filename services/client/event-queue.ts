/** A loop that is so many events behind has stopped reading: it ends with an error, and memory with it. */
const MAX_WAITING = 10_000;

/** The events of one loop over a stream, in order, until the loop has taken them. */
export class EventQueue<Event> implements AsyncIterableIterator<Event, undefined> {
  readonly #onLeave: () => void;
  readonly #waiting: Event[] = [];
  #end: { readonly error: Error | undefined } | undefined;
  /** One for all who wait: more than one may. */
  #news: Promise<void> | undefined;
  #wake: () => void = () => {};

  /** `onLeave`: the loop takes no more. */
  constructor(onLeave: () => void) {
    this.#onLeave = onLeave;
  }

  /** Adds an event. */
  push(event: Event): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#waiting.length = 0;
      this.end(new Error(`${MAX_WAITING} events wait: go on by lastEventId`));
      this.#onLeave();
    }
    if (this.#end === undefined) this.#waiting.push(event);
    this.#wake();
  }

  /** Ends the loop behind the events that wait; by this error, where there is one. */
  end(error: Error | undefined): void {
    this.#end ??= { error };
    this.#wake();
  }

  async next(): Promise<IteratorResult<Event, undefined>> {
    for (;;) {
      const value = this.#waiting.shift();
      if (value !== undefined) return { value, done: false };
      if (this.#end?.error !== undefined) throw this.#end.error;
      if (this.#end !== undefined) return { value: undefined, done: true };
      this.#news ??= new Promise((resolve) => {
        this.#wake = () => {
          this.#news = undefined;
          resolve();
        };
      });
      await this.#news;
    }
  }

  async return(): Promise<IteratorResult<Event, undefined>> {
    this.#waiting.length = 0;
    this.end(undefined);
    this.#onLeave();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
