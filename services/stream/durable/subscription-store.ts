import { compositeKey } from "#shared/protocol/composite-key.ts";
import { encodeRecord, type SubscriptionRecord } from "./record.ts";

/** Names a subscription: its tenant, its owner, and the owner's name for it. */
export interface SubscriptionKey {
  readonly tenant: string;
  readonly subject: string;
  readonly name: string;
}

/** One text for a subscription, for keys of maps. */
export function textOf({ tenant, subject, name }: SubscriptionKey): string {
  return compositeKey(tenant, subject, name);
}

/** A record as it is stored. */
export interface StoredRecord {
  readonly record: SubscriptionRecord;
  /** Names this very write. */
  readonly write: number;
}

/** What is to be stored: a record's text, and how long the store keeps it without another one. */
export interface StorableRecord {
  readonly text: string;
  readonly ttlSeconds: number;
  /** The connection that holds it, or `none`, for those who look for callbacks to hold; undefined where it has no callback. */
  readonly callbackHolder?: string;
}

/**
 * Where the records of subscriptions are kept. Each method throws AppError `unavailable` when there is no answer: a write may be stored
 * all the same. `read` also throws it for a record that a newer release wrote, and `subscription_unreadable` for a broken one.
 */
export interface SubscriptionStore {
  /** The record that was stored last; undefined where there is none. */
  read(key: SubscriptionKey): Promise<StoredRecord | undefined>;
  /**
   * Stores a record in place of the one of that write; undefined where none may be there. Answers the new write; undefined, with nothing
   * stored, where there is another one.
   */
  put(key: SubscriptionKey, record: StorableRecord, write: number | undefined): Promise<number | undefined>;
  /** Removes the record of that write; false, with nothing removed, where there is another one. */
  remove(key: SubscriptionKey, write: number): Promise<boolean>;
  /** The names of a subject's subscriptions, sorted. */
  names(owner: Pick<SubscriptionKey, "tenant" | "subject">): Promise<string[]>;
  /** How many records a tenant has. */
  count(tenant: string): Promise<number>;
}

/** Of these sequences of a tenant's log, those whose messages have these tags. Throws AppError `unavailable`; safe to repeat. */
export type FindReal = (tenant: string, tags: ReadonlyMap<number, string>) => Promise<ReadonlySet<number>>;

/** The end of a tenant's log, by its leader. Throws AppError `unavailable`; safe to repeat. */
export type FindEnd = (tenant: string) => Promise<{ readonly epoch: string; readonly seq: number }>;

/** A record as the store takes it. */
export function storable(record: SubscriptionRecord): StorableRecord {
  const { definition, holder } = record;
  const plain = { text: encodeRecord(record), ttlSeconds: definition.ttlSeconds };
  return definition.deliver === undefined ? plain : { ...plain, callbackHolder: holder?.connectionId ?? "none" };
}
