import type { CallContext } from "#shared/async/call-context.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { Subscription } from "./parse-subscription.ts";
import { MAX_TOPICS } from "./stream-parameters.ts";

/**
 * Maps a path to the topics of its changes, by the tenant's routes in policy's store now; none where no route matches. Safe
 * to repeat. Throws AppError `tenant_unknown`, or `unavailable` when there is no answer in time.
 */
export type MapResource = (tenant: string, path: string, context?: CallContext) => Promise<readonly string[]>;

/**
 * The topic patterns of a subscription: its own, and those of its resources by the tenant's present routes. Sorted, without
 * repeats. Later routes change nothing for it: rights are decided by the event.
 * @throws {AppError} `resource_unknown`, `malformed_topic` where they are too many, `tenant_unknown`, `unavailable`.
 */
export async function topicsOf(
  { topics, resources }: Subscription,
  tenant: string,
  mapResource: MapResource,
  context?: CallContext,
): Promise<readonly string[]> {
  if (resources.length === 0) return topics;
  const mapped = await Promise.all(resources.map((path) => mapResource(tenant, path, context)));
  const unknown = mapped.findIndex((each) => each.length === 0);
  if (unknown !== -1) {
    throw new AppError("resource_unknown", `no route of the tenant gives topics for resource ${unknown + 1}`);
  }
  const all = [...new Set([...topics, ...mapped.flat()])].toSorted();
  if (all.length <= MAX_TOPICS) return all;
  throw new AppError(
    "malformed_topic",
    `the resources stand for ${all.length} topics; at most ${MAX_TOPICS} are taken`,
  );
}
