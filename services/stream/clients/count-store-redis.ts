import { createHash } from "node:crypto";
import { type Redis, type Result } from "ioredis";
import { within } from "#shared/async/within.ts";
import type { CountAnswer, CountStore, KeyCount } from "../admission/shared-counts.ts";

declare module "ioredis" {
  interface RedisCommander<Context> {
    exchangeCounts(
      workers: string,
      own: string,
      workerId: string,
      leaseMs: number,
      startOver: 0 | 1,
      ...counts: (string | number)[]
    ): Result<[workers: number, isNew: 0 | 1, others: number[]], Context>;
    livingWorkers(workers: string): Result<string[], Context>;
  }
}

/** The sorted set of workers, by the time at which their leases end. */
const WORKERS_KEY = "sluice:stream:workers";

/** The hash of what a worker counts. */
const COUNTS_KEY = "sluice:stream:counts:";

/** What a worker that vanished had counted is gone after that long. */
const LEASE_MS = 10_000;

/** A connection that has not worked for so many exchanges is begun anew: its server took it and says nothing. */
const MAX_FAILURES = 8;

/** The end waits no longer than this for its last command. */
const LEAVE_MS = 500;

/**
 * KEYS: the workers, this worker's counts. ARGV: its id, its lease, whether it starts over, then fields and counts. One hash for a
 * worker: a lease is one EXPIRE, however many streams there are. Lua unpacks at most some thousand values at once.
 */
const EXCHANGE = `
local id, lease = ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[3] == '1' then redis.call('DEL', KEYS[2]) end
local is_new = redis.call('EXISTS', KEYS[2]) == 0
local fields, kept, gone, sums = {}, { '', '1' }, {}, {}
for i = 4, #ARGV, 2 do
  fields[#fields + 1] = ARGV[i]
  sums[#fields] = 0
  if ARGV[i + 1] == '0' then
    gone[#gone + 1] = ARGV[i]
  else
    kept[#kept + 1] = ARGV[i]
    kept[#kept + 1] = ARGV[i + 1]
  end
end
local function in_parts(list, call)
  for i = 1, #list, 1000 do call(i, unpack(list, i, math.min(i + 999, #list))) end
end
in_parts(kept, function (_, ...) redis.call('HSET', KEYS[2], ...) end)
in_parts(gone, function (_, ...) redis.call('HDEL', KEYS[2], ...) end)
redis.call('PEXPIRE', KEYS[2], lease)
redis.call('ZADD', KEYS[1], now + lease, id)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('PEXPIRE', KEYS[1], 2 * lease)
local workers = redis.call('ZRANGE', KEYS[1], 0, -1)
for _, worker in ipairs(workers) do
  if worker ~= id then
    in_parts(fields, function (first, ...)
      for offset, value in ipairs(redis.call('HMGET', '${COUNTS_KEY}' .. worker, ...)) do
        if value then sums[first + offset - 1] = sums[first + offset - 1] + tonumber(value) end
      end
    end)
  end
end
return { #workers, is_new and 1 or 0, sums }
`;

/** KEYS: the workers. By the time of Redis: no clock of ours says when a lease is over. */
const LIVING = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return redis.call('ZRANGE', KEYS[1], '(' .. string.format('%.0f', now), '+inf', 'BYSCORE')
`;

/**
 * Keeps the counts of all workers in Redis: a hash for each worker, which ends with its lease, and the set of the workers. Names of
 * people and addresses are kept as hashes. The client reconnects by itself; disposing it gives the lease back.
 */
export class RedisCounts implements CountStore, AsyncDisposable {
  readonly #redis: Redis;
  readonly #workerId: string;
  #failures = 0;

  constructor(redis: Redis, workerId: string) {
    [this.#redis, this.#workerId] = [redis, workerId];
    redis.defineCommand("exchangeCounts", { numberOfKeys: 2, lua: EXCHANGE });
    redis.defineCommand("livingWorkers", { numberOfKeys: 1, lua: LIVING });
    // Each failure is an exchange's, too.
    redis.on("error", () => undefined);
    redis.connect().catch(() => undefined);
  }

  async exchange(own: readonly KeyCount[], startOver: boolean): Promise<CountAnswer> {
    const counts = own.flatMap(({ key, count }) => [fieldOf(key), count]);
    try {
      const names = [WORKERS_KEY, COUNTS_KEY + this.#workerId, this.#workerId] as const;
      const [workers, isNew, others] = await this.#redis.exchangeCounts(
        ...names,
        LEASE_MS,
        startOver ? 1 : 0,
        ...counts,
      );
      this.#failures = 0;
      return { workers, others, isNew: isNew === 1 };
    } catch (error) {
      this.#failures += 1;
      if (this.#failures % MAX_FAILURES === 0 || isReplica(error)) this.#redis.disconnect(true);
      throw error;
    }
  }

  /** The ids of the workers whose leases have not ended, this one's among them. Throws when Redis does not answer. */
  async livingWorkers(): Promise<ReadonlySet<string>> {
    return new Set(await this.#redis.livingWorkers(WORKERS_KEY));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const leaving = this.#redis
      .multi()
      .zrem(WORKERS_KEY, this.#workerId)
      .del(COUNTS_KEY + this.#workerId)
      .exec()
      .catch(() => undefined);
    await within(LEAVE_MS, leaving);
    this.#redis.disconnect();
  }
}

/** The primary became a replica: the Sentinels, or the name, lead to another one. */
function isReplica(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("READONLY");
}

function fieldOf(key: string): string {
  return createHash("sha256").update(key).digest("base64url").slice(0, 22);
}
