import type { Redis, Result } from "ioredis";
import { callRedis } from "./connect-redis.ts";
import type { RefreshStanding } from "./renew-access.ts";
import { GRACE_MS, keyOf } from "./session-store-redis.ts";

declare module "ioredis" {
  interface RedisCommander<Context> {
    standsRefresh(key: string, generation: number, graceMs: number): Result<number, Context>;
  }
}

/**
 * Whether generation ARGV[1] of the session KEYS[1] could be spent right now: it is the current one (or newer than a store
 * that lost its tail knows), or the parent of the current one within ARGV[2] milliseconds of its first use. Writes nothing.
 */
const STANDS = `
local record = redis.call('HMGET', KEYS[1], 'generation', 'spent_at', 'ended')
local current, presented = tonumber(record[1]), tonumber(ARGV[1])
if not current or record[3] then return 0 end
if presented >= current then return 1 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if presented == current - 1 and now - tonumber(record[2]) <= tonumber(ARGV[2]) then return 1 end
return 0
`;

/** Looks at generations in Redis, by its clock, as a rotation would. */
export function createRefreshStanding(redis: Redis): RefreshStanding {
  redis.defineCommand("standsRefresh", { numberOfKeys: 1, lua: STANDS });
  return async ({ family, generation }) => {
    return (await callRedis(() => redis.standsRefresh(keyOf(family), generation, GRACE_MS))) === 1;
  };
}
