import type { Logger } from "#shared/log/create-logger.ts";
import { createRedis, watchRedisTls } from "#shared/redis/create-redis.ts";
import type { RedisSettings } from "#shared/redis/redis-settings.ts";
import { RedisCounts } from "./count-store-redis.ts";

/** How Redis is reached, where there is one. */
type OptionalRedis = Omit<RedisSettings, "REDIS_URL"> & { readonly REDIS_URL?: RedisSettings["REDIS_URL"] | undefined };

/**
 * Opens the store in which all workers count together, closed with the stack; undefined where none is set. It does not wait for
 * Redis: the edge starts and runs without it.
 */
export async function openCountStore(
  { REDIS_URL, ...settings }: OptionalRedis,
  workerId: string,
  stack: AsyncDisposableStack,
  log: Logger,
): Promise<RedisCounts | undefined> {
  if (REDIS_URL === undefined) return undefined;
  const redis = await createRedis({ ...settings, REDIS_URL });
  if (REDIS_URL.isTls) stack.use(watchRedisTls(redis, { ...settings, REDIS_URL }, log));
  return stack.use(new RedisCounts(redis, workerId));
}
