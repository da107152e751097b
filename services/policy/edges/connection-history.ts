import type { ConnectionEntry } from "#shared/contract/connection-log.ts";

/** The connection log, as far as it is read. */
export interface ConnectionHistory {
  /**
   * What the log keeps of a stream, the oldest first; nothing where it keeps nothing. Throws AppError `unavailable` when the log does
   * not answer in time.
   */
  entriesOf(tenant: string, connectionId: string): Promise<readonly ConnectionEntry[]>;
}
