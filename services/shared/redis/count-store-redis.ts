import { createHash } from "node:crypto";
import { type Redis, type Result } from "ioredis";
import { within } from "#shared/async/within.ts";
import type { CountAnswer, CountStore, KeyCount } from "#shared/limits/shared-counts.ts";
import { answersOf } from "./answers-of.ts";
import { EXCHANGE } from "./exchange-script.ts";

type ExchangeAnswer = [workers: number, isNew: 0 | 1, hasLeftover: 0 | 1, mark: string, others: number[]];

declare module "ioredis" {
  interface RedisCommander<Context> {
    exchangeCounts(
      workers: string,
      records: string,
      sums: string,
      own: string,
      workerId: string,
      leaseMs: number,
      mark: string,
      recordPrefix: string,
      ...counts: (string | number)[]
    ): Result<ExchangeAnswer, Context>;
    livingWorkers(workers: string): Result<string[], Context>;
  }
}

/** What a worker that vanished had counted is gone after that long, by the next exchange of anybody. */
const LEASE_MS = 10_000;

/** So many calls in a row, of 1 000 counts each, take back what vanished workers left; the rest waits for the next exchange. */
const MAX_LEFTOVER_CALLS = 64;

/** The end waits no longer than this for its last command. */
const LEAVE_MS = 500;

/** KEYS: the workers. By the time of Redis: no clock of ours says when a lease is over. */
const LIVING = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return redis.call('ZRANGE', KEYS[1], '(' .. string.format('%.0f', now), '+inf', 'BYSCORE')
`;

/**
 * Keeps the counts of all workers in Redis: sums of all, and a hash for each worker of its part in them, which is taken back when its lease
 * has ended. Names of people and addresses are kept as hashes. The client reconnects by itself; disposing it gives the lease back.
 */
export class RedisCounts implements CountStore, AsyncDisposable {
  readonly #redis: Redis;
  readonly #workerId: string;
  readonly #keys: {
    readonly workers: string;
    readonly records: string;
    readonly sums: string;
    readonly counts: string;
  };
  /** What the last exchange has left in this worker's record. */
  #mark = "";
  readonly #answer: ReturnType<typeof answersOf>;

  /** Counts for the workers of one service, under keys that begin with `sluice:<service>:`. */
  constructor(redis: Redis, service: string, workerId: string) {
    [this.#redis, this.#workerId] = [redis, workerId];
    this.#answer = answersOf(redis);
    const keyOf = (name: string): string => `sluice:${service}:${name}`;
    this.#keys = {
      workers: keyOf("workers"),
      records: keyOf("counted"),
      sums: keyOf("sums"),
      counts: keyOf("counts:"),
    };
    redis.defineCommand("exchangeCounts", { numberOfKeys: 4, lua: EXCHANGE });
    redis.defineCommand("livingWorkers", { numberOfKeys: 1, lua: LIVING });
    // Each failure is an exchange's, too.
    redis.on("error", () => undefined);
    redis.connect().catch(() => undefined);
  }

  exchange(own: readonly KeyCount[], startOver: boolean): Promise<CountAnswer> {
    return this.#answer(this.#exchange(own, startOver));
  }

  async #exchange(own: readonly KeyCount[], startOver: boolean): Promise<CountAnswer> {
    if (startOver) this.#mark = "";
    const counts = own.flatMap(({ key, count }) => [fieldOf(key), count]);
    let [workers, isNew, hasLeftover, mark, others] = await this.#call(counts);
    while (mark === "") [workers, isNew, hasLeftover, mark, others] = await this.#call(counts);
    this.#mark = mark;
    for (let calls = 0; hasLeftover === 1 && calls < MAX_LEFTOVER_CALLS; calls += 1) {
      [, , hasLeftover, this.#mark] = await this.#call([]);
    }
    return { workers, others, isNew: isNew === 1 };
  }

  #call(counts: readonly (string | number)[]): Promise<ExchangeAnswer> {
    const { workers, records, sums, counts: prefix } = this.#keys;
    const own = prefix + this.#workerId;
    return this.#redis.exchangeCounts(
      workers,
      records,
      sums,
      own,
      this.#workerId,
      LEASE_MS,
      this.#mark,
      prefix,
      ...counts,
    );
  }

  /** The ids of the workers whose leases have not ended, this one's among them. Throws when Redis does not answer. */
  async livingWorkers(): Promise<ReadonlySet<string>> {
    return new Set(await this.#redis.livingWorkers(this.#keys.workers));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const leaving = this.#redis
      .multi()
      .zrem(this.#keys.workers, this.#workerId)
      // The next exchange of another worker takes back what this one had counted.
      .zadd(this.#keys.records, "XX", 0, this.#workerId)
      .exec()
      .catch(() => undefined);
    await within(LEAVE_MS, leaving);
    this.#redis.disconnect();
  }
}

function fieldOf(key: string): string {
  return createHash("sha256").update(key).digest("base64url").slice(0, 22);
}
