import type { ErasedEntry, SessionEntry } from "#shared/contract/control-entry.ts";
import type { Version } from "#shared/contract/version.ts";

/** A message of a tenant's log. */
export interface LoggedMessage {
  readonly subject: string;
  /** What binds its sequence to it, see the tag of an event's id. */
  readonly tag: string;
  /** Milliseconds since 1970. */
  readonly storedAt: number;
  readonly data: Uint8Array;
  readonly isText: boolean;
  /** CloudEvents attributes by name, without `ce-`; undefined where it has more headers than an event may have. */
  readonly attributes: Readonly<Record<string, string>> | undefined;
}

/** Which log it is, and the sequences where it begins and ends. */
export interface LogDescription {
  readonly epoch: string;
  readonly first: number;
  readonly last: number;
  /** Whether messages can be purged from it. */
  readonly takesPurges: boolean;
  /** Any erased entry up to here may be unpurged; of those behind it, the last one alone. */
  readonly unpurgedUpTo: number;
}

/** The messages of the tenants' logs. Both methods throw `tenant_unknown`, or `unavailable` when a log does not answer. */
export interface EventLog {
  describe(tenant: string): Promise<LogDescription>;
  /** The message at a sequence, as the log's leader has it; undefined where there is none. */
  read(tenant: string, seq: number): Promise<LoggedMessage | undefined>;
}

/** The history of policies in the tenants' logs. */
export interface VersionLog {
  /**
   * The version of the last policy entry up to a sequence; undefined where that entry is not kept. Throws as the
   * methods of `EventLog` do.
   */
  versionAt(tenant: string, seq: number): Promise<Version | undefined>;
}

/** A control entry, and its place in the log. */
export interface Placed<Entry> {
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly storedAt: number;
  readonly entry: Entry;
}

/** Control entries in the order of the log. */
export interface History<Entry> {
  readonly entries: readonly Placed<Entry>[];
  /** There are more behind them, which were not read. */
  readonly hasMore: boolean;
}

/** What finding and explaining an event takes beside its message. Every method throws as those of `EventLog` do. */
export interface EventHistory extends EventLog, VersionLog {
  /** The last event of exactly this topic before a time in milliseconds since 1970, and the first one from then on: their sequences. */
  aroundTime(
    tenant: string,
    topic: string,
    at: number,
  ): Promise<{ readonly before: number | undefined; readonly after: number | undefined }>;
  /** The erasures that were announced behind a place of the log. */
  erasuresBehind(tenant: string, seq: number): Promise<History<ErasedEntry>>;
  /** The sessions that ended, and the people whose claims changed, behind a place of the log. */
  sessionsBehind(tenant: string, seq: number): Promise<History<SessionEntry>>;
}
