import type { Logger } from "#shared/log/create-logger.ts";
import { createRedis, watchRedisTls } from "#shared/redis/create-redis.ts";
import type { RedisSettings } from "#shared/redis/redis-settings.ts";
import type { ClientRecords, TopicStore } from "../subscription/topic-store.ts";
import { RedisTopics } from "./topic-store-redis.ts";

/** How Redis is reached, where there is one. */
type OptionalRedis = Omit<RedisSettings, "REDIS_URL"> & { readonly REDIS_URL?: RedisSettings["REDIS_URL"] | undefined };

/**
 * Opens the store of clients' topics, closed with the stack; undefined where no Redis is set. It does not wait for Redis: streams
 * without a client id need none.
 */
export async function openTopicStore(
  { REDIS_URL, ...settings }: OptionalRedis,
  stack: AsyncDisposableStack,
  log: Logger,
): Promise<(TopicStore & ClientRecords) | undefined> {
  if (REDIS_URL === undefined) return undefined;
  const redis = await createRedis({ ...settings, REDIS_URL });
  if (REDIS_URL.isTls) stack.use(watchRedisTls(redis, { ...settings, REDIS_URL }, log));
  return stack.use(new RedisTopics(redis));
}
