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

/** The same store for the tenants of a home, under the names that its edge counts them by. */
export function topicsNamedBy(
  nameOf: (tenant: string) => string,
  store: (TopicStore & ClientRecords) | undefined,
): (TopicStore & ClientRecords) | undefined {
  if (store === undefined) return undefined;
  const named = <Of extends { readonly tenant: string }>(client: Of): Of => ({
    ...client,
    tenant: nameOf(client.tenant),
  });
  return {
    claim: (client, base) => store.claim(named(client), base),
    change: (claim, change) => store.change({ ...claim, client: named(claim.client) }, change),
    list: (tenant, subject) => store.list(nameOf(tenant), subject),
    read: (client) => store.read(named(client)),
    forget: (client) => store.forget(named(client)),
  };
}
