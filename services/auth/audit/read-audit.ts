/** An entry of the audit trail as it is read, by whichever service it was written. */
export interface StoredEntry {
  readonly sequence: number;
  readonly at: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

/** Where a reading begins: behind an entry, or with the first since a time (RFC 3339). */
export type AuditStart = { readonly after: number } | { readonly since: string };

/** Entries, the oldest first; `hasMore` where there are more behind them. */
export interface AuditPage {
  readonly entries: readonly StoredEntry[];
  readonly hasMore: boolean;
}

/** Reads a tenant's entries, at most `limit`; throws AppError `unavailable` when the trail does not answer. */
export type ReadAudit = (tenant: string, start: AuditStart, limit: number) => Promise<AuditPage>;
