/** Wakes every waiter after a change; each waiter finds out by itself what changed. */
export class Notifier {
  /** Made when somebody waits: every open stream has notifiers, and a promise with its functions is 200 bytes. */
  #waiting: PromiseWithResolvers<void> | undefined;

  /** Resolves at the next `notify`. */
  next(): Promise<void> {
    this.#waiting ??= Promise.withResolvers();
    return this.#waiting.promise;
  }

  notify(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}
