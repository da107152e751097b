/** Wakes everyone who waits for "something changed"; who wakes looks for himself what it was. */
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
