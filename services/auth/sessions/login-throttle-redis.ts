import type { Redis, Result } from "ioredis";
import { callRedis } from "./connect-redis.ts";
import type { LoginThrottle } from "./log-in.ts";

declare module "ioredis" {
  interface RedisCommander<Context> {
    countAttempt(key: string, windowMs: number): Result<number, Context>;
  }
}

const MAX_ATTEMPTS = 10;
const WINDOW_MS = 300_000;

const COUNT_ATTEMPT = `
local attempts = redis.call('INCR', KEYS[1])
if attempts == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return attempts
`;

/** Ten attempts in five minutes for each account, known or not, over all auth processes. */
export function createLoginThrottle(redis: Redis): LoginThrottle {
  redis.defineCommand("countAttempt", { numberOfKeys: 1, lua: COUNT_ATTEMPT });
  return {
    async admit(tenant, username) {
      return (await callRedis(redis.countAttempt(keyOf(tenant, username), WINDOW_MS))) <= MAX_ATTEMPTS;
    },
    async forget(tenant, username) {
      await callRedis(redis.del(keyOf(tenant, username)));
    },
  };
}

function keyOf(tenant: string, username: string): string {
  return `sluice:login:{${tenant}.${username}}`;
}
