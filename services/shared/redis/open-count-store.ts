import type { Logger } from "#shared/log/create-logger.ts";
import { type OptionalRedis, openOptionalRedis } from "./create-redis.ts";
import { RedisCounts } from "./count-store-redis.ts";

/**
 * Opens the store in which all workers of a service count together, closed with the stack; undefined where none is set. It does not
 * wait for Redis: the service starts and runs without it.
 */
export async function openCountStore(
  settings: OptionalRedis,
  { service, workerId }: { readonly service: string; readonly workerId: string },
  stack: AsyncDisposableStack,
  log: Logger,
): Promise<RedisCounts | undefined> {
  const redis = await openOptionalRedis(settings, stack, log);
  return redis && stack.use(new RedisCounts(redis, service, workerId));
}
