/** What a tenant may use, by policy's newest answer; a limit that is absent does not limit. */
export interface TenantLimits {
  /** Names the pool that the tenant takes places from. */
  readonly tier: string;
  /** Streams at a time, on all edges together. */
  readonly connections?: number | undefined;
  readonly connectionsPerSession?: number | undefined;
  readonly connectionsPerSubject?: number | undefined;
  readonly connectionsPerAddress?: number | undefined;
  /** On all edges together. */
  readonly handshakesPerSecond?: number | undefined;
  readonly handshakesPerSubjectPerMinute?: number | undefined;
  readonly callsPerSubjectPerMinute?: number | undefined;
  readonly topicsPerStream?: number | undefined;
  readonly historyBytesPerMinute?: number | undefined;
  readonly publishedEventsPerSecond?: number | undefined;
  /** The share of clients that may use a transport, 0 to 100; all where it is absent. */
  readonly websocketPercent?: number | undefined;
  readonly ndjsonPercent?: number | undefined;
  readonly pollPercent?: number | undefined;
}

/** What a tenant may use as long as policy has not said so. */
export const UNKNOWN_LIMITS: TenantLimits = { tier: "default" };
