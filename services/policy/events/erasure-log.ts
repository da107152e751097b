import type { ErasedEntry } from "#shared/contract/control-entry.ts";
import type { EventLog } from "./event-log.ts";

/** An entry of a tenant's log that says what was erased. */
export interface LoggedErasure {
  /** Undefined where no entry is left, or this one is not readable. */
  readonly entry: ErasedEntry | undefined;
  /** Its place in the log; 0 where there is none. */
  readonly sequence: number;
}

/** The part of the tenants' logs that erasure needs. Every method throws `unavailable` when a log does not answer. */
export interface ErasureLog extends EventLog {
  /** The last erased entry, as the log's leader knows it. */
  lastErasedEntry(tenant: string): Promise<LoggedErasure>;
  /** The first erased entry whose sequence is at least `from`. */
  nextErasedEntry(tenant: string, from: number): Promise<LoggedErasure>;
  /** Appends an erased entry if `after` is still the sequence of the last one, and answers its own; undefined if not. */
  appendErasedEntry(tenant: string, entry: ErasedEntry, after: number): Promise<number | undefined>;
  /** The first event of exactly this topic whose sequence is at least `from`; undefined where there is none. */
  nextOfTopic(tenant: string, topic: string, from: number): Promise<number | undefined>;
  /** Removes the events whose topic matches the pattern, up to and including `through`, and answers how many. Idempotent. */
  purge(tenant: string, pattern: string, through: number): Promise<number>;
}
