import { LRUCache } from "lru-cache";
import { AppError } from "#shared/errors/app-error.ts";

/** How many changes a tenant may make. */
export interface ChangeRate {
  readonly perSecond: number;
  /** How many at once, where there were none for a while. */
  readonly burst: number;
}

/** Counts the changes of tenants. */
export interface ChangeBudget {
  /**
   * Counts a change of a tenant; `perSecond` is the tenant's own rate, where it has one. At 0 it may make none.
   * @throws {AppError} `too_many_changes`, with the seconds until there is room for one.
   */
  take(tenant: string, perSecond?: number): void;
  /** Refuses what could not be counted now, before much is read. */
  require(tenant: string, perSecond?: number): void;
}

/** A tenant that may make no changes is told to come back some time. */
const MAX_RETRY_SECONDS = 3_600;

/** Buckets of tenants that changed nothing for long are full again, and need not be kept. */
const MAX_BUCKETS = 10_000;

interface Bucket {
  readonly tokens: number;
  readonly at: number;
}

/** Makes a bucket of tokens for each tenant, which fills again at the tenant's rate. `now` is in milliseconds, monotonic. */
export function createChangeBudget(
  rate: ChangeRate,
  now: () => number,
  onRefused: () => void = () => undefined,
): ChangeBudget {
  const buckets = new LRUCache<string, Bucket>({ max: MAX_BUCKETS });
  const require = (tenant: string, perSecond = rate.perSecond): Bucket => {
    const burst = perSecond === 0 ? 0 : Math.max(rate.burst, perSecond);
    const at = now();
    const { tokens, at: before } = buckets.get(tenant) ?? { tokens: burst, at };
    const filled = Math.min(burst, tokens + ((at - before) / 1_000) * perSecond);
    if (filled >= 1) return { tokens: filled, at };
    onRefused();
    const message = `the tenant may make ${perSecond} changes a second, and ${burst} at once: set many people's roles in the document, or by one import`;
    const retryAfterSeconds = Math.min(MAX_RETRY_SECONDS, Math.ceil((1 - filled) / perSecond));
    throw new AppError("too_many_changes", message, { retryAfterSeconds });
  };
  return {
    require: (tenant, perSecond) => void require(tenant, perSecond),
    take(tenant, perSecond) {
      const { tokens, at } = require(tenant, perSecond);
      buckets.set(tenant, { tokens: tokens - 1, at });
    },
  };
}
