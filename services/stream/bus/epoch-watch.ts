import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "#shared/errors/app-error.ts";

/** The leader is asked no more often than this, however many entries come: those that wait leave together. */
const ASK_EVERY_MS = 20;

/** The reason to give up a consumer whose log has begun another epoch. */
export const OTHER_EPOCH = new AppError("unavailable", "the log has begun another epoch");

/**
 * Knows up to which sequence a log is of the epoch that is read. A mirror is promoted by an update of the very stream, by which its consumers
 * live on: an entry that comes behind it must not be told under an id of the epoch before. So an entry of a mirror waits until the leader,
 * asked after it came, has named the epoch; of an original nothing waits.
 */
export class EpochWatch {
  readonly #ask: () => Promise<number>;
  readonly #now: () => number;
  readonly #stop: AbortSignal;
  #sureUpTo = Number.POSITIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;

  /**
   * `ask` has the leader asked, and its answer noted, and answers up to which sequence it is sure of; it rejects where that names another
   * epoch.
   */
  constructor(ask: () => Promise<number>, deps: { readonly now: () => number; readonly stop: AbortSignal }) {
    this.#ask = ask;
    [this.#now, this.#stop] = [deps.now, deps.stop];
  }

  get sureUpTo(): number {
    return this.#sureUpTo;
  }

  /** The leader has named the epoch that is read, and its last sequence then: of a mirror, what comes behind that waits. */
  note(isMirror: boolean, lastSeq: number): void {
    this.#sureUpTo = isMirror ? Math.min(this.#sureUpTo, lastSeq) : Number.POSITIVE_INFINITY;
  }

  /** Resolves once the sequence is known to be of the epoch that is read. Rejects as `ask` does. */
  async makeSure(seq: number): Promise<void> {
    while (this.#sureUpTo < seq && !this.#stop.aborted) {
      this.#asking ??= this.#askInTime().finally(() => (this.#asking = undefined));
      await this.#asking;
    }
  }

  async #askInTime(): Promise<void> {
    const waitMs = this.#askedAt + ASK_EVERY_MS - this.#now();
    if (waitMs > 0) await delay(waitMs);
    this.#askedAt = this.#now();
    this.#sureUpTo = await this.#ask();
  }
}
