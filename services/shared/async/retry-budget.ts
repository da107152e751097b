import { backoffMs } from "#shared/time/backoff.ts";

const BACKOFF = { baseMs: 100, maxMs: 4_000 };

/** What a first try earns: retries that fail are at most a tenth of the first tries. */
const PER_FIRST_TRY = 0.1;

/** Retries a second that need not be earned: without them a lone question would never be asked again. */
const FLOOR_PER_SECOND = 10;

/** What an answered retry earns: the other side is back, and twice as many may ask it as before. */
const PER_ANSWER = 2;

/** Quiet hours must not save up for a storm. */
const MAX_TOKENS = 100;

interface Waiter {
  readonly isWanted: () => boolean;
  readonly go: () => void;
}

/**
 * Bounds how often a process repeats unanswered questions, over all callers. Without it, a service that answers late is asked
 * more the later it gets, until it answers nothing. During an outage few retries leave; once one is answered, each answer lets
 * two more leave, so that thousands that wait are through in a dozen round trips.
 */
export class RetryBudget {
  readonly #waiting: Waiter[] = [];
  #tokens = FLOOR_PER_SECOND;
  #refill: NodeJS.Timeout | undefined;

  /**
   * Asks until there is an answer; `ask` gives undefined where there was none. Answers undefined once nobody wants to know any
   * more. Between two tries it waits a growing, jittered time, then until the budget has room.
   */
  async untilAnswered<Answer>(
    ask: () => Promise<Answer | undefined>,
    isWanted: () => boolean,
  ): Promise<Answer | undefined> {
    this.#earn(PER_FIRST_TRY);
    for (let failures = 0; isWanted(); failures += 1) {
      const answer = await ask();
      if (answer !== undefined && failures > 0) this.#earn(PER_ANSWER);
      if (answer !== undefined) return answer;
      await this.#pause(failures, isWanted);
    }
    return undefined;
  }

  /** One that is not wanted any more costs nothing, and is let go when its turn comes. */
  async #pause(attempt: number, isWanted: () => boolean): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, backoffMs(attempt, BACKOFF)));
    const turn = Promise.withResolvers<void>();
    this.#waiting.push({ isWanted, go: turn.resolve });
    this.#serve();
    await turn.promise;
  }

  #earn(tokens: number): void {
    this.#tokens = Math.min(MAX_TOKENS, this.#tokens + tokens);
    this.#serve();
  }

  #serve(): void {
    let next = this.#waiting[0];
    let served = 0;
    for (; next !== undefined; next = this.#waiting[served]) {
      const isWanted = next.isWanted();
      if (isWanted && this.#tokens < 1) break;
      if (isWanted) this.#tokens -= 1;
      served += 1;
      next.go();
    }
    this.#waiting.splice(0, served);
    if (this.#waiting.length > 0 && this.#refill === undefined) this.#waitForRefill();
  }

  #waitForRefill(): void {
    this.#refill = setTimeout(() => {
      this.#refill = undefined;
      this.#earn(1);
    }, 1_000 / FLOOR_PER_SECOND).unref();
  }
}
