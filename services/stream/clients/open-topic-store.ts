import type { Logger } from "#shared/log/create-logger.ts";
import { type OptionalRedis, openOptionalRedis } from "#shared/redis/create-redis.ts";
import type { ClientRecords, TopicStore } from "../subscription/topic-store.ts";
import { RedisTopics } from "./topic-store-redis.ts";

/**
 * Opens the store of clients' topics, closed with the stack; undefined where no Redis is set. It does not wait for Redis: streams
 * without a client id need none.
 */
export async function openTopicStore(
  settings: OptionalRedis,
  stack: AsyncDisposableStack,
  log: Logger,
): Promise<(TopicStore & ClientRecords) | undefined> {
  const redis = await openOptionalRedis(settings, stack, log);
  return redis && stack.use(new RedisTopics(redis));
}
