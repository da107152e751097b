/** Open events for which no time runs: each is about to come again, or with a callback that has not answered yet. By sequence. */
export class UnderWay {
  /** They are to come again, and that is not stored yet. */
  readonly #claimed = new Set<number>();
  readonly #inHand = new Set<number>();
  /** Those whose next delivery is used up, and has not taken place. */
  readonly #used: Set<number>;
  /** They come again now, in the order of the log. */
  #ready: number[];

  /** All come again now; for those of `used` that is a delivery that is used up already. */
  constructor(again: readonly number[], used: readonly number[]) {
    this.#ready = [...again, ...used].toSorted((a, b) => a - b);
    this.#used = new Set(used);
  }

  /** Those whose next delivery is used up, and has not taken place. */
  get used(): ReadonlySet<number> {
    return this.#used;
  }

  /** All of them. */
  get all(): ReadonlySet<number> {
    return new Set([...this.#claimed, ...this.#inHand, ...this.#ready]);
  }

  /** The open events for which time runs. */
  others<Event>(open: ReadonlyMap<number, Event>): [number, Event][] {
    const { all } = this;
    return [...open].filter(([seq]) => !all.has(seq));
  }

  /** The first one that comes again now; those that are not open any more do not. */
  next(open: ReadonlyMap<number, unknown>): number | undefined {
    while (this.#ready[0] !== undefined && !open.has(this.#ready[0])) this.#ready.shift();
    return this.#ready[0];
  }

  /** These come again once that is stored. */
  claim(seqs: readonly number[]): void {
    for (const seq of seqs) {
      this.#claimed.add(seq);
      this.#used.add(seq);
    }
  }

  /** These come again now. */
  makeReady(seqs: readonly number[]): void {
    for (const seq of seqs) {
      this.#claimed.delete(seq);
      this.#inHand.delete(seq);
    }
    this.#ready = [...this.#ready, ...seqs].toSorted((a, b) => a - b);
  }

  /** A callback has it in hand. */
  hand(seq: number): void {
    this.#inHand.add(seq);
  }

  /** Time runs for it again, if it is open. */
  leave(seq: number): void {
    this.#inHand.delete(seq);
    this.#used.delete(seq);
    if (this.#ready[0] === seq) this.#ready.shift();
    else if (this.#ready.includes(seq)) this.#ready = this.#ready.filter((each) => each !== seq);
  }

  /** Forgets what a callback has in hand and is not open any more: the same event may be opened again. */
  retain(open: ReadonlyMap<number, unknown>): void {
    for (const seq of this.#inHand) if (!open.has(seq)) this.#inHand.delete(seq);
  }

  /** Forgets all of them. */
  clear(): void {
    this.#ready = [];
    this.#claimed.clear();
    this.#used.clear();
    this.#inHand.clear();
  }
}
