import { backoffMs } from "#shared/time/backoff.ts";
import { TurnQueue } from "./turn-queue.ts";

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
  readonly #waiting = new TurnQueue<Waiter>();
  #tokens = FLOOR_PER_SECOND;
  #refill: NodeJS.Timeout | undefined;

  /**
   * Asks until there is an answer; `ask` gives undefined where there was none. Answers undefined once nobody wants to know any
   * more. Between two tries it waits a growing, jittered time, then until the budget has room. Owners have their turns one by
   * one: what one of them cannot get holds up nobody else.
   */
  async untilAnswered<Answer>(
    owner: string,
    ask: () => Promise<Answer | undefined>,
    isWanted: () => boolean,
  ): Promise<Answer | undefined> {
    this.#earn(PER_FIRST_TRY);
    for (let failures = 0; isWanted(); failures += 1) {
      const answer = await ask();
      if (answer !== undefined && failures > 0) this.#earn(PER_ANSWER);
      if (answer !== undefined) return answer;
      await this.#pause(owner, failures, isWanted);
    }
    return undefined;
  }

  async #pause(owner: string, attempt: number, isWanted: () => boolean): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, backoffMs(attempt, BACKOFF)));
    const turn = Promise.withResolvers<void>();
    this.#waiting.push([owner], { isWanted, go: turn.resolve });
    this.#serve();
    await turn.promise;
  }

  #earn(tokens: number): void {
    this.#tokens = Math.min(MAX_TOKENS, this.#tokens + tokens);
    this.#serve();
  }

  #serve(): void {
    while (this.#tokens >= 1 && this.#serveNext()) this.#tokens -= 1;
    if (!this.#waiting.isEmpty && this.#refill === undefined) this.#waitForRefill();
  }

  /** Gives the next owner a turn; answers false where nobody waits. A waiter that is not wanted any more costs no token. */
  #serveNext(): boolean {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const isWanted = next.isWanted();
      next.go();
      if (isWanted) return true;
    }
    return false;
  }

  /** Lets waiters go that are not wanted any more, wherever they are in their queue. */
  #release(): void {
    this.#waiting.retain(({ isWanted, go }) => isWanted() || (go(), false));
  }

  #waitForRefill(): void {
    this.#refill = setTimeout(() => {
      this.#refill = undefined;
      this.#release();
      this.#earn(1);
    }, 1_000 / FLOOR_PER_SECOND).unref();
  }
}
