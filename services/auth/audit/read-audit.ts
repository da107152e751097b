/** An entry of the audit trail as it is read, by whichever service it was written. */
export interface StoredEntry {
  /** A name of the entry; in its tenant alone it is one. */
  readonly id: string;
  readonly at: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

/** Where a reading begins: behind the entry with an id, or with the first since a time (RFC 3339). */
export type AuditStart = { readonly after: string } | { readonly since: string };

/** Entries, the oldest first; `hasMore` where there are more behind them. */
export interface AuditPage {
  readonly entries: readonly StoredEntry[];
  readonly hasMore: boolean;
}

/**
 * Reads a tenant's entries, at most `limit`.
 * @throws {AppError} `malformed_request` where `after` is no entry's id; `unavailable` when the trail does not answer.
 */
export type ReadAudit = (tenant: string, start: AuditStart, limit: number) => Promise<AuditPage>;
