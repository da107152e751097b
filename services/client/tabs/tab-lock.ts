import type { Locks } from "../environment/environment.ts";

/** Who is told about a lock. */
export interface LockHolder {
  onHeld(): void;
  /** Another tab took it by force. */
  onLost(): void;
}

/** A Web Lock that one tab of an origin holds at a time. It is given back when its tab closes, crashes, or releases it. */
export class TabLock {
  readonly #locks: Locks;
  readonly #name: string;
  readonly #holder: LockHolder;
  #wish: { readonly stop: AbortController; isHeld: boolean; letGo: () => void } | undefined;

  constructor(locks: Locks, name: string, holder: LockHolder) {
    this.#locks = locks;
    this.#name = name;
    this.#holder = holder;
  }

  /** Waits in the queue for the lock. */
  wait(): void {
    this.#request(({ signal }) => ({ signal }));
  }

  /** Takes it from whoever has it: for a holder that no longer answers. */
  steal(): void {
    // The standard allows no signal here: the lock is given at once.
    this.#request(() => ({ steal: true }));
  }

  /** Gives the lock back, or leaves the queue. */
  release(): void {
    const wish = this.#wish;
    this.#wish = undefined;
    wish?.stop.abort();
    wish?.letGo();
  }

  #request(options: (stop: AbortController) => { readonly signal: AbortSignal } | { readonly steal: true }): void {
    this.release();
    const wish = { stop: new AbortController(), isHeld: false, letGo: (): void => {} };
    this.#wish = wish;
    const hold = (): Promise<void> | undefined => {
      if (this.#wish !== wish) return undefined;
      const held = new Promise<void>((resolve) => void (wish.letGo = resolve));
      wish.isHeld = true;
      this.#holder.onHeld();
      return held;
    };
    // It fails when the wish is withdrawn, when the lock is taken by force, and where the browser gives this page none.
    this.#locks.request(this.#name, options(wish.stop), hold).catch(() => {
      if (this.#wish !== wish) return;
      this.#wish = undefined;
      if (wish.isHeld) this.#holder.onLost();
    });
  }
}
