import type { Redis, Result } from "ioredis";
import { RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import { subjectKey } from "#shared/contract/subject-key.ts";
import { callRedis } from "./connect-redis.ts";
import type { LoginThrottle } from "./login-throttle.ts";

declare module "ioredis" {
  interface RedisCommander<Context> {
    takeBackAttempt(key: string): Result<null, Context>;
  }
}

const MAX_FOR_ACCOUNT = 10;

/** Attempts that wait for their turn count too, so this is more than one process lets wait. */
const MAX_FROM_ADDRESS = 300;

const WINDOW_SECONDS = 300;

/** The limiter's own `reward` would bring a count that ended meanwhile back below zero. */
const TAKE_BACK = `
if tonumber(redis.call('GET', KEYS[1]) or 0) > 0 then redis.call('DECR', KEYS[1]) end
`;

/** Ten attempts in five minutes for each account, known or not, and 300 for each address, over all auth processes. */
export function createLoginThrottle(redis: Redis): LoginThrottle {
  redis.defineCommand("takeBackAttempt", { numberOfKeys: 1, lua: TAKE_BACK });
  const limit = (keyPrefix: string, points: number) =>
    new RateLimiterRedis({ storeClient: redis, keyPrefix, points, duration: WINDOW_SECONDS });
  const accounts = limit("sluice:login", MAX_FOR_ACCOUNT);
  const addresses = limit("sluice:login-from", MAX_FROM_ADDRESS);
  const takeBack = (limiter: RateLimiterRedis, key: string) => redis.takeBackAttempt(limiter.getKey(key));
  return {
    async admit(attempt) {
      const waits = [waitMs(accounts, accountKey(attempt)), waitMs(addresses, addressKey(attempt))];
      return Math.ceil(Math.max(...(await callRedis(() => Promise.all(waits)))) / 1000);
    },
    async forget(attempt) {
      await callRedis(() =>
        Promise.all([accounts.delete(accountKey(attempt)), takeBack(addresses, addressKey(attempt))]),
      );
    },
    async discount(attempt) {
      await callRedis(() =>
        Promise.all([takeBack(accounts, accountKey(attempt)), takeBack(addresses, addressKey(attempt))]),
      );
    },
  };
}

/** Counts an attempt; 0 when it may be made now. */
async function waitMs(limiter: RateLimiterRedis, key: string): Promise<number> {
  try {
    await limiter.consume(key);
    return 0;
  } catch (refusal) {
    if (refusal instanceof RateLimiterRes) return Math.max(refusal.msBeforeNext, 1);
    throw refusal;
  }
}

/** Braces: all that belongs to one account lies in one slot of a cluster. */
function accountKey({ tenant, account }: { readonly tenant: string; readonly account: string }): string {
  return `{${subjectKey(tenant, account)}}`;
}

function addressKey({ address }: { readonly address: string }): string {
  return `{${address}}`;
}
