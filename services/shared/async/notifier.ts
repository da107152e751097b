/** Wakes every waiter after a change; each waiter finds out by itself what changed. */
export class Notifier {
  #resolve: () => void = () => {};
  #next = this.#arm();

  /** Resolves at the next `notify`. */
  next(): Promise<void> {
    return this.#next;
  }

  notify(): void {
    this.#resolve();
    this.#next = this.#arm();
  }

  #arm(): Promise<void> {
    return new Promise((resolve) => (this.#resolve = resolve));
  }
}
