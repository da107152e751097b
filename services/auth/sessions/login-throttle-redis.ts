import type { Redis, Result } from "ioredis";
import { RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import { compositeKey } from "#shared/protocol/composite-key.ts";
import type { Keys } from "../keys/open-keys.ts";
import { macOf } from "../tokens/mac.ts";
import { callRedis } from "./connect-redis.ts";
import type { LoginAttempt, LoginThrottle } from "./login-throttle.ts";

declare module "ioredis" {
  interface RedisCommander<Context> {
    takeBackAttempt(key: string): Result<null, Context>;
    lockOut(
      key: string,
      lockKey: string,
      count: number,
      firstSeconds: number,
      maxSeconds: number,
    ): Result<number, Context>;
  }
}

/** How many attempts at an account one address has, or one browser of its owner, before it is locked out. */
const MAX_FROM_ONE = 10;

/** The first lock lasts so long; each later one on the same day twice as long as the one before, up to an hour. */
const FIRST_LOCK_SECONDS = 60;
const MAX_LOCK_SECONDS = 3_600;

/** Attempts that wait for their turn count too, so this is more than one process lets wait. */
const MAX_FROM_ADDRESS = 300;

/** So many attempts at an account, from everywhere, slow nobody; each further one is held up 100 ms longer, up to 3 s. */
const UNSLOWED = 20;
const SLOWER_MS = 100;
const MAX_SLOW_MS = 3_000;

const WINDOW_SECONDS = 300;

/** The limiter's own `reward` would bring a count that ended meanwhile back below zero. */
const TAKE_BACK = `
if tonumber(redis.call('GET', KEYS[1]) or 0) > 0 then redis.call('DECR', KEYS[1]) end
`;

/**
 * Locks the count KEYS[1], which stays ARGV[1] until the lock ends, and answers the seconds: ARGV[2] the first time, and twice as
 * many each time after that, up to ARGV[3]. KEYS[2] counts the locks of a day.
 */
const LOCK_OUT = `
local locks = redis.call('INCR', KEYS[2])
redis.call('EXPIRE', KEYS[2], 86400)
local seconds = math.min(tonumber(ARGV[3]), tonumber(ARGV[2]) * 2 ^ math.min(locks - 1, 20))
redis.call('SET', KEYS[1], ARGV[1], 'EX', string.format('%d', seconds))
return seconds
`;

/**
 * Counts attempts in Redis, over all auth processes. An account, known or not, has ten attempts from an address, then a lock that
 * grows; from everywhere together it is only slowed. An address has 300 attempts in five minutes. A known browser has ten of
 * its own, and what others do at its account or from its address does not concern it.
 */
export function createLoginThrottle(redis: Redis, keys: Pick<Keys, "refresh">): LoginThrottle {
  redis.defineCommand("takeBackAttempt", { numberOfKeys: 1, lua: TAKE_BACK });
  redis.defineCommand("lockOut", { numberOfKeys: 2, lua: LOCK_OUT });
  const limit = (keyPrefix: string, points: number) =>
    new RateLimiterRedis({ storeClient: redis, keyPrefix, points, duration: WINDOW_SECONDS });
  const pairs = limit("sluice:login", MAX_FROM_ONE);
  const accounts = limit("sluice:login-at", Number.MAX_SAFE_INTEGER);
  const addresses = limit("sluice:login-from", MAX_FROM_ADDRESS);
  const takeBack = (limiter: RateLimiterRedis, key: string) => redis.takeBackAttempt(limiter.getKey(key));
  const admitFromOne = async (pair: string): Promise<number> => {
    const { consumedPoints, msBeforeNext } = await consume(pairs, pair);
    if (consumedPoints <= MAX_FROM_ONE) return 0;
    if (consumedPoints > MAX_FROM_ONE + 1) return secondsOf(msBeforeNext);
    const locked = [MAX_FROM_ONE + 1, FIRST_LOCK_SECONDS, MAX_LOCK_SECONDS] as const;
    return redis.lockOut(pairs.getKey(pair), lockKeyOf(pair), ...locked);
  };
  const admitElsewhere = async ({ account, address }: CountKeys) => {
    const [at, from] = await Promise.all([consume(accounts, account), consume(addresses, address)]);
    const isOver = from.consumedPoints > MAX_FROM_ADDRESS;
    const slowMs = Math.min(MAX_SLOW_MS, Math.max(0, at.consumedPoints - UNSLOWED) * SLOWER_MS);
    return { waitSeconds: isOver ? secondsOf(from.msBeforeNext) : 0, slowMs };
  };
  const takeBackElsewhere = ({ account, address }: CountKeys) => [
    takeBack(accounts, account),
    takeBack(addresses, address),
  ];
  return {
    admit: (attempt) =>
      callRedis(async () => {
        const counted = keysOf(attempt, keys);
        const waitSeconds = await admitFromOne(counted.pair);
        // What is locked is no attempt: a client with an old secret that goes on must not use up its address, nor slow the owner.
        if (waitSeconds > 0 || attempt.device !== undefined) return { waitSeconds, slowMs: 0 };
        return admitElsewhere(counted);
      }),
    async forget(attempt) {
      const counted = keysOf(attempt, keys);
      const elsewhere = () => (attempt.device === undefined ? takeBackElsewhere(counted) : []);
      await callRedis(() =>
        Promise.all([pairs.delete(counted.pair), redis.del(lockKeyOf(counted.pair)), ...elsewhere()]),
      );
    },
    async discount(attempt) {
      const counted = keysOf(attempt, keys);
      const elsewhere = () => (attempt.device === undefined ? takeBackElsewhere(counted) : []);
      await callRedis(() => Promise.all([takeBack(pairs, counted.pair), ...elsewhere()]));
    },
  };
}

/** Where the locks of a day are counted. */
function lockKeyOf(pair: string): string {
  return `sluice:login-locks:${pair}`;
}

/** Counts an attempt, whether there is room for it or not. */
async function consume(limiter: RateLimiterRedis, key: string): Promise<RateLimiterRes> {
  try {
    return await limiter.consume(key);
  } catch (refusal) {
    if (refusal instanceof RateLimiterRes) return refusal;
    throw refusal;
  }
}

function secondsOf(ms: number): number {
  return Math.ceil(Math.max(ms, 1) / 1_000);
}

/** What an attempt is counted under. */
interface CountKeys {
  readonly pair: string;
  readonly account: string;
  readonly address: string;
}

/**
 * Names that were typed are kept as a keyed hash: somebody may have typed a password there. Braces: what belongs together
 * lies in one slot of a cluster.
 */
function keysOf({ tenant, account, address, device }: LoginAttempt, keys: Pick<Keys, "refresh">): CountKeys {
  const name = macOf(compositeKey("login", tenant, account), keys.refresh[0]);
  const from = device === undefined ? `from.${address}` : `on.${device}`;
  return { pair: `{${name}.${from}}`, account: `{${name}}`, address: `{${address}}` };
}
