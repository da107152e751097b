import type { LiveThing } from "#shared/contract/live-things.ts";

/** Hears what changes at the edges of a tenant. */
export interface ChangeFeed {
  /**
   * Tells of each change from now on, until `stop`; it waits out a bus that is away. Subscriptions that are delivered change all the time.
   * Throws AppError `unavailable` when the bus does not answer.
   */
  follow(tenant: string, onChange: (thing: LiveThing) => void, stop: AbortSignal): Promise<void>;
}
