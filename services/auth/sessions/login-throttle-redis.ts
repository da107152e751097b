import type { Redis, Result } from "ioredis";
import { callRedis } from "./connect-redis.ts";
import type { LoginThrottle } from "./login-throttle.ts";

declare module "ioredis" {
  interface RedisCommander<Context> {
    countAttempt(key: string, windowMs: number): Result<[attempts: number, remainingMs: number], Context>;
    forgetAttempt(key: string): Result<null, Context>;
  }
}

const MAX_FOR_ACCOUNT = 10;

/** Attempts that wait for their turn count too, so this is more than one process lets wait. */
const MAX_FROM_ADDRESS = 300;

const WINDOW_MS = 300_000;

const COUNT_ATTEMPT = `
local attempts = redis.call('INCR', KEYS[1])
if attempts == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {attempts, redis.call('PTTL', KEYS[1])}
`;

/** A count that ended meanwhile must not come back below zero, and without an expiry. */
const FORGET_ATTEMPT = `
if tonumber(redis.call('GET', KEYS[1]) or 0) > 0 then redis.call('DECR', KEYS[1]) end
`;

/** Ten attempts in five minutes for each account, known or not, and 300 for each address, over all auth processes. */
export function createLoginThrottle(redis: Redis): LoginThrottle {
  redis.defineCommand("countAttempt", { numberOfKeys: 1, lua: COUNT_ATTEMPT });
  redis.defineCommand("forgetAttempt", { numberOfKeys: 1, lua: FORGET_ATTEMPT });
  const waitMs = async (key: string, max: number): Promise<number> => {
    const [attempts, remainingMs] = await callRedis(() => redis.countAttempt(key, WINDOW_MS));
    return attempts > max ? Math.max(remainingMs, 1) : 0;
  };
  return {
    async admit({ tenant, account, address }) {
      const waits = await Promise.all([
        waitMs(accountKey(tenant, account), MAX_FOR_ACCOUNT),
        waitMs(addressKey(address), MAX_FROM_ADDRESS),
      ]);
      return Math.ceil(Math.max(...waits) / 1000);
    },
    async forget({ tenant, account, address }) {
      const forgotten = [redis.del(accountKey(tenant, account)), redis.forgetAttempt(addressKey(address))];
      await callRedis(() => Promise.all(forgotten));
    },
    async discount({ tenant, account, address }) {
      const keys = [accountKey(tenant, account), addressKey(address)];
      await callRedis(() => Promise.all(keys.map((key) => redis.forgetAttempt(key))));
    },
  };
}

function accountKey(tenant: string, account: string): string {
  return `sluice:login:{${tenant}.${account}}`;
}

function addressKey(address: string): string {
  return `sluice:login-from:{${address}}`;
}
