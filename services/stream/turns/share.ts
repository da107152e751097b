import { Queue } from "./queue.ts";

/** Does a part of some work, well below a millisecond, and answers whether there is more. It does not throw. */
export type Work = () => boolean;

/** A tenant's turns at the event loop. */
export interface TenantTurns {
  /** Finishes work that is begun already, before the tenant's other work and in the order of these calls. */
  finish(work: Work): void;
  /** Whether such work is left. */
  readonly isFinishing: boolean;
  /** Does work as the tenant's turns come. */
  run(work: Work): void;
  /** Resolves in one of the tenant's turns: what follows, up to the next `await`, is a step of its own. */
  next(): Promise<void>;
}

/** A tenant's work, and the time it has had. */
export class Share implements TenantTurns {
  readonly #onWork: () => void;
  readonly #begun = new Queue<Work>();
  readonly #works = new Queue<Work>();
  readonly #waiting = new Queue<() => void>();
  /** Works and those who wait alternate: ten thousand readers that catch up keep the log waiting for one step each. */
  #isWaitersTurn = false;
  /** The loop's time that the tenant has had, in milliseconds. */
  served = 0;

  constructor(onWork: () => void) {
    this.#onWork = onWork;
  }

  get isBusy(): boolean {
    return this.#begun.length + this.#works.length + this.#waiting.length > 0;
  }

  get isFinishing(): boolean {
    return this.#begun.length > 0;
  }

  finish(work: Work): void {
    this.#begun.push(work);
    this.#onWork();
  }

  run(work: Work): void {
    this.#works.push(work);
    this.#onWork();
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#onWork();
    });
  }

  /** Does one step, or begins one that goes on in microtasks. */
  step(): "done" | "goes on" {
    const { first: begun } = this.#begun;
    if (begun !== undefined) {
      if (!begun()) this.#begun.shift();
      return "done";
    }
    this.#isWaitersTurn = !this.#isWaitersTurn;
    const isWaiters = this.#waiting.length > 0 && (this.#isWaitersTurn || this.#works.length === 0);
    if (isWaiters) this.#waiting.shift()?.();
    else this.#doWork();
    return "goes on";
  }

  #doWork(): void {
    const work = this.#works.shift();
    if (work?.() === true) this.#works.push(work);
  }
}
