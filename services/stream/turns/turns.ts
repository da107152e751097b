import { Share, type TenantTurns } from "./share.ts";

/**
 * So much work is done at a time, in milliseconds, before the loop sees to sockets, timers and handshakes. A turn of the loop
 * costs about 50 µs by itself, and a tenant that was quiet waits for one at most.
 */
const TURN_MS = 4;

/** The clocks, as far as turns use them. */
export interface TurnsDeps {
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
  /** Invalidates every session when the clocks have parted: the machine may have slept since the last turn. */
  readonly checkClock: () => void;
}

/**
 * Shares the event loop's time between the tenants of an edge. Work is done in small steps; the next step is always the
 * tenant's that has had the least time. After `TURN_MS` the loop turns. Where nothing else is to be done, work begins at once.
 */
export class Turns {
  readonly #deps: TurnsDeps;
  /** The tenants with work. */
  readonly #busy = new Set<Share>();
  /** The time that the tenant served last had had before: one that was quiet does not save up for later. */
  #served = 0;
  #isWorking = false;
  /** The end of the loop's present turn; undefined when nothing was done in it yet. */
  #turnEndsAt: number | undefined;

  constructor(deps: TurnsDeps) {
    this.#deps = deps;
  }

  /** The turns of one more tenant. */
  forTenant(): TenantTurns {
    const share = new Share(() => this.#enter(share));
    return share;
  }

  #enter(share: Share): void {
    if (!this.#busy.has(share)) {
      share.served = Math.max(share.served, this.#served);
      this.#busy.add(share);
    }
    if (!this.#isWorking) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    const endsAt = (this.#turnEndsAt ??= this.#beginTurn());
    let began = this.#deps.now();
    for (let share = this.#leastServed(); share !== undefined && began < endsAt; share = this.#leastServed()) {
      this.#served = share.served;
      // What waited for this step goes on in microtasks, and is a part of it.
      if (share.step() === "goes on") await Promise.resolve();
      const ended = this.#deps.now();
      share.served += ended - began;
      began = ended;
      if (!share.isBusy) this.#busy.delete(share);
    }
    this.#isWorking = false;
  }

  #beginTurn(): number {
    setImmediate(() => {
      this.#turnEndsAt = undefined;
      if (this.#busy.size === 0) return;
      this.#deps.checkClock();
      if (!this.#isWorking) void this.#work();
    });
    return this.#deps.now() + TURN_MS;
  }

  /** Of those with work; the first of them where several have had the same. */
  #leastServed(): Share | undefined {
    let least: Share | undefined;
    for (const share of this.#busy) {
      if (least === undefined || share.served < least.served) least = share;
    }
    return least;
  }
}
