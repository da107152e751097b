import type { ConnectionEntry } from "#shared/contract/connection-log.ts";
import type { StoredSubscription } from "#shared/contract/subscription-record.ts";

/** How far the connection log goes. */
export interface LogReach {
  /** It has every entry that was stored since then, in milliseconds since 1970. */
  readonly since: number;
  /** The person has more entries than are read; the newest are missing then. */
  readonly hasMore: boolean;
}

/** Who was connected when. */
export interface PersonHistory {
  /** Hands over a person's entries, oldest first. Throws `unavailable` when the log does not answer. */
  entriesOfPerson(tenant: string, subject: string, take: (entry: ConnectionEntry) => void): Promise<LogReach>;
}

/** The sessions that have ended. */
export interface SessionEnds {
  /** When each of these sessions ended, in milliseconds since 1970; undefined where it has not. Throws `unavailable`. */
  endsOf(tenant: string, sids: readonly string[]): Promise<ReadonlyMap<string, number | undefined>>;
}

/** A person's durable subscriptions. */
export interface SubscriptionReader {
  /** By name, at most 32; undefined where a record cannot be read by this release. Throws `unavailable`. */
  recordsOf(tenant: string, subject: string): Promise<ReadonlyMap<string, StoredSubscription | undefined>>;
}
