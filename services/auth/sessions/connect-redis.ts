import { Redis } from "ioredis";
import { orUnavailable } from "#shared/async/or-unavailable.ts";
import { BootError } from "#shared/config/read-config.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { backoffMs } from "#shared/time/backoff.ts";

/**
 * Connects to Redis so that a command fails at once when Redis is out of reach, and is never sent twice: a rotation that
 * ran again behind our back would look like a stolen token.
 * @throws {BootError} when Redis is out of reach, or would forget sessions.
 */
export async function connectRedis(url: string, log: Logger): Promise<Redis> {
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 2_000,
    connectTimeout: 5_000,
    retryStrategy: (attempt) => backoffMs(attempt, { baseMs: 100, maxMs: 2_000 }),
  });
  redis.on("error", (error: Error) => log.warn({ reason: error.message }, "Redis is out of reach"));
  try {
    await redis.connect();
    await requireDurability(redis);
  } catch (error) {
    redis.disconnect();
    if (error instanceof BootError) throw error;
    throw new BootError(
      `cannot use Redis at ${new URL(url).host} (${(error as Error).message}); check REDIS_URL and that the server runs`,
    );
  }
  return redis;
}

/** Whether Redis takes commands, for the service's readiness. */
export function checkRedis({ status }: Pick<Redis, "status">): string | undefined {
  return status === "ready" ? undefined : "Redis is out of reach: see that it runs, and REDIS_URL";
}

/**
 * Runs Redis commands.
 * @throws {AppError} `unavailable` when one fails; it may have run all the same.
 */
export function callRedis<Reply>(command: () => Promise<Reply>): Promise<Reply> {
  return orUnavailable("sessions cannot be read or written right now; try again", command);
}

/** Evicted or lost records would switch the detection of stolen refresh tokens off. INFO is allowed where CONFIG is not. */
async function requireDurability(redis: Redis): Promise<void> {
  const state = `${await redis.info("memory")}\n${await redis.info("persistence")}`;
  const faults: string[] = [];
  if (!/^maxmemory_policy:noeviction\r?$/m.test(state)) faults.push("maxmemory-policy must be noeviction");
  if (!/^aof_enabled:1\r?$/m.test(state)) faults.push("appendonly must be yes");
  if (faults.length > 0)
    throw new BootError(`Redis would forget sessions: ${faults.join(", and ")}; set it in redis.conf`);
}
