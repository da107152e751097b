import { LRUCache } from "lru-cache";
import { AppError } from "#shared/errors/app-error.ts";

/** How many changes a tenant may make. */
export interface ChangeRate {
  /** 0 is without a limit. */
  readonly perSecond: number;
  /** How many at once, where there were none for a while. */
  readonly burst: number;
}

/** Counts the changes of tenants. */
export interface ChangeBudget {
  /**
   * Counts a change of a tenant; `perSecond` is the tenant's own rate, where it has one.
   * @throws {AppError} `too_many_changes`, with the seconds until there is room for one.
   */
  take(tenant: string, perSecond?: number): void;
  /** Refuses what could not be counted now, before much is read. */
  require(tenant: string, perSecond?: number): void;
}

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
    const burst = Math.max(rate.burst, perSecond);
    const at = now();
    const { tokens, at: before } = buckets.get(tenant) ?? { tokens: burst, at };
    const filled = Math.min(burst, tokens + ((at - before) / 1_000) * perSecond);
    if (filled >= 1 || perSecond === 0) return { tokens: filled, at };
    onRefused();
    const message = `the tenant may make ${perSecond} changes a second, and ${burst} at once: set many people's roles in the document, or by one import`;
    throw new AppError("too_many_changes", message, { retryAfterSeconds: Math.ceil((1 - filled) / perSecond) });
  };
  return {
    require: (tenant, perSecond) => void require(tenant, perSecond),
    take(tenant, perSecond) {
      const { tokens, at } = require(tenant, perSecond);
      buckets.set(tenant, { tokens: tokens - 1, at });
    },
  };
}
