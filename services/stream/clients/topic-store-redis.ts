import type { Redis, Result } from "ioredis";
import { subjectKey } from "#shared/contract/subject-key.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { answersOf } from "#shared/redis/answers-of.ts";
import type {
  Claim,
  Claimed,
  Client,
  ClientRecords,
  KeptChange,
  KeptTopics,
  TopicStore,
} from "../subscription/topic-store.ts";

declare module "ioredis" {
  interface RedisCommander<Context> {
    claimTopics(
      record: string,
      clients: string,
      client: string,
      ttlMs: number,
      maxClients: number,
      base: string,
    ): Result<[generation: string, wasHeld: 0 | 1, fields: string[]], Context>;
    changeTopics(
      record: string,
      clients: string,
      client: string,
      ttlMs: number,
      maxClients: number,
      base: string,
      generation: string,
      isWhole: 0 | 1,
      resets: number,
      ...fields: string[]
    ): Result<"stored" | "replaced" | "absent", Context>;
  }
}

/**
 * The record of a client is a hash: `generation`, `base`, and a field for each change, `+<pattern>` with an event id for what was added,
 * `-<pattern>` for what was removed from the URL's topics. Its key and that of its person's clients are in one slot of a cluster.
 */
const RECORD_KEY = "sluice:stream:topics:";

/** The sorted set of a person's clients, by the time of their last use. */
const CLIENTS_KEY = "sluice:stream:clients:";

/** A client that does not come back for so long begins anew. */
const TTL_MS = 7 * 24 * 3_600_000;

/** A person has so many records at most. The one that was used least recently gives way: tabs make up ids without end. */
const MAX_CLIENTS = 100;

/** KEYS: the record, the person's clients. ARGV: the client, how long it is kept, how many are. */
const TOUCH = `
local client, ttl, max = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function touch()
  redis.call('PEXPIRE', KEYS[1], ttl)
  redis.call('ZADD', KEYS[2], now, client)
  redis.call('PEXPIRE', KEYS[2], ttl)
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ttl)
  local over = redis.call('ZCARD', KEYS[2]) - max
  if over <= 0 then return end
  for _, name in ipairs(redis.call('ZRANGE', KEYS[2], 0, over - 1)) do
    redis.call('DEL', string.sub(KEYS[1], 1, -#client - 1) .. name)
    redis.call('ZREM', KEYS[2], name)
  end
end
`;

/** Generations rise also where a record was lost: they count microseconds. */
const CLAIM = `${TOUCH}
local base = ARGV[4]
local held = redis.call('HMGET', KEYS[1], 'generation', 'base')
local generation = string.format('%.0f', math.max(time[1] * 1000000 + time[2], (tonumber(held[1]) or 0) + 1))
if held[2] ~= base then redis.call('DEL', KEYS[1]) end
local fields = redis.call('HGETALL', KEYS[1])
redis.call('HSET', KEYS[1], 'generation', generation, 'base', base)
touch()
return { generation, held[1] and 1 or 0, fields }
`;

/** Lua unpacks at most some thousand values at once. */
const CHANGE = `${TOUCH}
local base, generation, is_whole, resets = ARGV[4], ARGV[5], ARGV[6] == '1', tonumber(ARGV[7])
local held = redis.call('HGET', KEYS[1], 'generation')
if held and held ~= generation then return 'replaced' end
if not held and not is_whole then return 'absent' end
if is_whole then redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], 'generation', generation, 'base', base)
for i = 8, 7 + resets do redis.call('HDEL', KEYS[1], '+' .. ARGV[i], '-' .. ARGV[i]) end
for i = 8 + resets, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
touch()
return 'stored'
`;

/** Keeps clients' topics in Redis. The client reconnects by itself; disposing it disconnects it. */
export class RedisTopics implements TopicStore, ClientRecords, Disposable {
  readonly #redis: Redis;
  readonly #answer: ReturnType<typeof answersOf>;

  constructor(redis: Redis) {
    this.#redis = redis;
    this.#answer = answersOf(redis);
    redis.defineCommand("claimTopics", { numberOfKeys: 2, lua: CLAIM });
    redis.defineCommand("changeTopics", { numberOfKeys: 2, lua: CHANGE });
    // Each failure is a call's, too.
    redis.on("error", () => undefined);
    redis.connect().catch(() => undefined);
  }

  async claim(client: Client, base: string): Promise<Claimed> {
    const answer = this.#redis.claimTopics(...keysOf(client), client.client, TTL_MS, MAX_CLIENTS, base);
    const [generation, wasHeld, fields] = await this.#answerOf(answer);
    return { generation: Number(generation), wasHeld: wasHeld === 1, kept: keptOf(fields) };
  }

  change({ client, base, generation }: Claim, change: KeptChange): Promise<"stored" | "replaced" | "absent"> {
    const { added, removed, reset, isWhole } = change;
    const fields = [
      ...[...added].flatMap(([topic, from]) => [`+${topic}`, from]),
      ...[...removed].flatMap((topic) => [`-${topic}`, ""]),
    ];
    return this.#answerOf(
      this.#redis.changeTopics(
        ...keysOf(client),
        client.client,
        TTL_MS,
        MAX_CLIENTS,
        base,
        String(generation),
        isWhole ? 1 : 0,
        reset.length,
        ...reset,
        ...fields,
      ),
    );
  }

  async list(tenant: string, subject: string): Promise<{ readonly client: string; readonly usedAt: number }[]> {
    const [, clients] = keysOf({ tenant, subject, client: "" });
    const found = await this.#answerOf(this.#redis.zrange(clients, 0, "-1", "REV", "WITHSCORES"));
    // Pairs by RESP3, one after the other by RESP2.
    const flat: string[] = found.flat();
    return flat.flatMap((client, index) => (index % 2 === 0 ? { client, usedAt: Number(flat[index + 1]) } : []));
  }

  async read(client: Client): Promise<KeptTopics | undefined> {
    const [record] = keysOf(client);
    return keptOf(Object.entries(await this.#answerOf(this.#redis.hgetall(record))).flat());
  }

  async forget(client: Client): Promise<boolean> {
    const [record, clients] = keysOf(client);
    const [forgotten] = await this.#answerOf(
      Promise.all([this.#redis.del(record), this.#redis.zrem(clients, client.client)]),
    );
    return forgotten > 0;
  }

  [Symbol.dispose](): void {
    this.#redis.disconnect();
  }

  async #answerOf<Answer>(answer: Promise<Answer>): Promise<Answer> {
    try {
      return await this.#answer(answer);
    } catch (cause) {
      throw new AppError("unavailable", "the store of clients' topics does not answer", { cause });
    }
  }
}

function keysOf({ tenant, subject, client }: Client): [record: string, clients: string] {
  const person = `{${subjectKey(tenant, subject)}}`;
  return [`${RECORD_KEY}${person}.${client}`, CLIENTS_KEY + person];
}

/** Undefined for the fields of no record. */
function keptOf(fields: readonly string[]): KeptTopics | undefined {
  if (fields.length === 0) return undefined;
  const [added, removed] = [new Map<string, string>(), new Set<string>()];
  for (let index = 0; index < fields.length; index += 2) {
    const [name = "", value = ""] = [fields[index], fields[index + 1]];
    if (name.startsWith("+")) added.set(name.slice(1), value);
    if (name.startsWith("-")) removed.add(name.slice(1));
  }
  return { added, removed };
}
