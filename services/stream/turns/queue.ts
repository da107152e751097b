/** First in, first out, at the same cost for any length: `shift` of a long array moves all of it. */
export class Queue<Item> {
  #incoming: Item[] = [];
  #outgoing: Item[] = [];
  #taken = 0;

  get length(): number {
    return this.#incoming.length + this.#outgoing.length - this.#taken;
  }

  /** The item that was added first; undefined when there is none. */
  get first(): Item | undefined {
    this.#refill();
    return this.#outgoing[this.#taken];
  }

  /** The item that was added last; undefined when there is none. */
  get last(): Item | undefined {
    return this.#incoming.at(-1) ?? (this.length === 0 ? undefined : this.#outgoing.at(-1));
  }

  /** Every item, in order. */
  items(): readonly Item[] {
    return [...this.#outgoing.slice(this.#taken), ...this.#incoming];
  }

  push(item: Item): void {
    this.#incoming.push(item);
  }

  /** Removes the item that was added first. */
  shift(): Item | undefined {
    const item = this.first;
    if (this.#taken < this.#outgoing.length) this.#taken += 1;
    return item;
  }

  #refill(): void {
    if (this.#taken < this.#outgoing.length) return;
    this.#outgoing = this.#incoming;
    this.#incoming = [];
    this.#taken = 0;
  }
}
