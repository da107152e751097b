import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { AppError } from "#shared/errors/app-error.ts";

/** An address may be wrong so often in a minute, then it is not listened to until the minute is over. */
const MAX_WRONG = 20;
const WINDOW_SECONDS = 60;

/** Counts tokens that are nobody's, by address. */
export interface TokenGuesses {
  /** The seconds for which tokens from this address are not looked at; 0 where they are. */
  waitSeconds(address: string): Promise<number>;
  /** Counts a token that is neither an operator's nor one of any issuer. */
  note(address: string): Promise<void>;
}

/** The refusal of an address that guesses. */
export function tooManyGuesses(retryAfterSeconds: number): AppError {
  return new AppError("too_many_attempts", "too many wrong tokens from this address; wait a minute", {
    retryAfterSeconds,
  });
}

/** Makes the count, for this process. */
export function createTokenGuesses(): TokenGuesses {
  const wrong = new RateLimiterMemory({ points: MAX_WRONG, duration: WINDOW_SECONDS });
  return {
    async waitSeconds(address) {
      const counted = await wrong.get(address);
      if (counted === null || counted.consumedPoints < MAX_WRONG) return 0;
      return Math.ceil(Math.max(counted.msBeforeNext, 1) / 1_000);
    },
    async note(address) {
      await wrong.consume(address).catch((refusal: unknown) => {
        if (!(refusal instanceof RateLimiterRes)) throw refusal;
      });
    },
  };
}
