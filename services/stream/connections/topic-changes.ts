import { AppError } from "#shared/errors/app-error.ts";
import type { StreamTopics } from "../subscription/stream-topics.ts";
import type { Claim } from "../subscription/topic-store.ts";

/** So many changes a stream may make at once, and a second. */
const CHANGES_PER_SECOND = 20;

/** The changes of one stream's topics, one after the other, and the client's record that they are kept in. */
export class TopicChanges {
  /** The topics by the last change. */
  topics: StreamTopics;
  /** Undefined where the topics live with the connection. */
  readonly claim: Claim | undefined;
  /** Whether the record holds just these topics, as far as is known; otherwise it is written as a whole. */
  isKept = true;
  #last: Promise<unknown> = Promise.resolve();
  /** How many are under way, or wait for their turn. */
  #open = 0;
  #left = CHANGES_PER_SECOND;
  #countedAt = Number.NEGATIVE_INFINITY;

  constructor(topics: StreamTopics, claim?: Claim) {
    this.topics = topics;
    this.claim = claim;
  }

  /**
   * Counts a change at the monotonic time `now`. While the store is slow no more of them wait than a second brings: their callers have
   * given up long before their turn.
   * @throws {AppError} `too_many_requests`.
   */
  admit(now: number): void {
    const earned = ((now - this.#countedAt) / 1_000) * CHANGES_PER_SECOND;
    this.#left = Math.min(CHANGES_PER_SECOND, this.#left + earned);
    this.#countedAt = now;
    if (this.#left < 1 || this.#open >= CHANGES_PER_SECOND) {
      const message = `a stream may change its topics ${CHANGES_PER_SECOND} times a second`;
      throw new AppError("too_many_requests", message, { retryAfterSeconds: 1 });
    }
    this.#left -= 1;
  }

  /** Does this when all that came before is done. */
  inOrder<Result>(act: () => Promise<Result>): Promise<Result> {
    this.#open += 1;
    const result = this.#last.then(act).finally(() => (this.#open -= 1));
    this.#last = result.catch(() => undefined);
    return result;
  }
}
