/** A loop that is so many events behind has stopped reading: it ends with an error, and memory with it. */
const MAX_WAITING = 10_000;

/** The events of one loop over a stream, in order, until the loop has taken them. */
export class EventQueue<Event extends object> implements AsyncIterableIterator<Event, undefined> {
  readonly #onDone: (event?: Event) => void;
  readonly #waiting: Event[] = [];
  /** The event that the loop has now. */
  #present: Event | undefined;
  #end: { readonly error: Error | undefined } | undefined;
  readonly #wakers: (() => void)[] = [];

  /** `onDone`: the loop has done with an event; without one, it takes no more. */
  constructor(onDone: (event?: Event) => void) {
    this.#onDone = onDone;
  }

  /** The first event that the loop has not done with; undefined where there is none. */
  get first(): Event | undefined {
    return this.#present ?? this.#waiting[0];
  }

  /** Adds an event. */
  push(event: Event): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#waiting.length = 0;
      this.end(new Error(`${MAX_WAITING} events wait: go on by lastEventId`));
      this.#onDone();
    }
    if (!this.#end) this.#waiting.push(event);
    this.#wake();
  }

  /** Ends the loop behind the events that wait; by this error, where there is one. */
  end(error?: Error): void {
    this.#end ??= { error };
    this.#wake();
  }

  async next(): Promise<IteratorResult<Event, undefined>> {
    const done = this.#present;
    this.#present = undefined;
    if (done) this.#onDone(done);
    for (;;) {
      const value = this.#waiting.shift();
      if (value) return { value: (this.#present = value), done: false };
      if (this.#end?.error) throw this.#end.error;
      if (this.#end) return { value: undefined, done: true };
      await new Promise<void>((resolve) => this.#wakers.push(resolve));
    }
  }

  async return(): Promise<IteratorResult<Event, undefined>> {
    this.#waiting.length = 0;
    this.end();
    this.#onDone();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** More than one may wait. */
  #wake(): void {
    for (const wake of this.#wakers.splice(0)) wake();
  }
}
