import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createInterface } from "node:readline";
import type { Redis } from "ioredis";
import { z } from "zod";
import { formatAddress, type ServerAddress } from "#shared/config/server-urls.ts";
import { createRedis, onReason } from "#shared/redis/create-redis.ts";
import type { RedisSettings } from "#shared/redis/redis-settings.ts";
import { ScriptError } from "../shared/run-script.ts";

/** What of Redis is kept: nothing else is ours. */
const KEYS = "sluice:*";

const SCAN_COUNT = 500;

/** A key with its value as Redis writes it out, and how long it still lives. */
const lineSchema = z.object({ key: z.base64(), dump: z.base64(), ttlMs: z.int().nullable() });

/**
 * Connects to Redis: to the primary, where Sentinels know it, or where it is a replica of that.
 * @throws {ScriptError} saying where it looked.
 */
export async function openRedis(settings: RedisSettings): Promise<Redis & AsyncDisposable> {
  const redis = await connectRedis(settings);
  const primary = primaryIn(await redis.info("replication"));
  if (primary === undefined) return redis;
  redis.disconnect();
  return connectRedis({ ...settings, REDIS_URL: { ...settings.REDIS_URL, servers: [primary] } });
}

/** The server that a replica says it follows; undefined of a primary. */
function primaryIn(replication: string): ServerAddress | undefined {
  const [, host] = /^master_host:(\S+)/m.exec(replication) ?? [];
  const [, port] = /^master_port:(\d+)/m.exec(replication) ?? [];
  return host === undefined ? undefined : { host, port: Number(port) };
}

async function connectRedis(settings: RedisSettings): Promise<Redis & AsyncDisposable> {
  const redis = await createRedis(settings, () => true);
  let reason: string | undefined;
  onReason(redis, (each) => (reason ??= each));
  await redis.connect().catch((error: Error) => {
    redis.disconnect();
    const { servers, user } = settings.REDIS_URL;
    const where = servers.map(formatAddress).join(", ");
    throw new ScriptError(
      `cannot connect to Redis at ${where} as ${user} (${reason ?? error.message}); REDIS_URL says where it is`,
    );
  });
  return Object.assign(redis, { [Symbol.asyncDispose]: async () => redis.disconnect() });
}

/** The keys of Redis in a file. */
interface RedisDump {
  readonly keys: number;
  readonly sha256: string;
}

/** Writes every key of ours into a file, one on a line. */
export async function dumpRedis(redis: Redis, path: string): Promise<RedisDump> {
  await using stack = new AsyncDisposableStack();
  const file = stack.adopt(await open(path, "w", 0o600), (each) => each.close());
  const seen = new Set<string>();
  const hash = createHash("sha256");
  let cursor = "0";
  do {
    const [next, found] = await redis.scan(cursor, "MATCH", KEYS, "COUNT", SCAN_COUNT);
    cursor = next;
    // SCAN may give a key twice.
    const fresh = found.filter((key) => !seen.has(key));
    for (const key of fresh) seen.add(key);
    const lines = await Promise.all(fresh.map((key) => lineOf(redis, key)));
    const text = lines.join("");
    hash.update(text);
    await file.writeFile(text);
  } while (cursor !== "0");
  return { keys: seen.size, sha256: hash.digest("hex") };
}

/** Nothing for a key that has gone meanwhile. */
async function lineOf(redis: Redis, key: string): Promise<string> {
  const [dump, ttl] = await Promise.all([redis.dumpBuffer(key), redis.pttl(key)]);
  if (dump === null || ttl === -2) return "";
  const line = { key: Buffer.from(key).toString("base64"), dump: dump.toString("base64"), ttlMs: ttl < 0 ? null : ttl };
  return `${JSON.stringify(line)}\n`;
}

/** Whether Redis holds a key of ours. */
export async function holdsKeys(redis: Redis): Promise<boolean> {
  let cursor = "0";
  do {
    const [next, found] = await redis.scan(cursor, "MATCH", KEYS, "COUNT", SCAN_COUNT);
    if (found.length > 0) return true;
    cursor = next;
  } while (cursor !== "0");
  return false;
}

/**
 * Puts the keys of a file back, and answers how many. What would have expired since `dumpedAt` is left out.
 * @throws {ScriptError} where a line is none, or Redis does not take a value: it may be older than the one that wrote it out.
 */
export async function restoreRedis(redis: Redis, path: string, elapsedMs: number): Promise<number> {
  let count = 0;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const { key, dump, ttlMs } = lineSchema.parse(JSON.parse(line));
    const left = ttlMs === null ? 0 : Math.round(ttlMs - elapsedMs);
    if (ttlMs !== null && left <= 0) continue;
    await redis.restore(Buffer.from(key, "base64"), left, Buffer.from(dump, "base64")).catch((error: Error) => {
      throw new ScriptError(`Redis does not take a key back: ${error.message}`);
    });
    count += 1;
  }
  return count;
}
