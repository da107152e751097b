/** A tenant as policy tells of it. */
export interface Tenant {
  readonly tenant: string;
  readonly state: "active" | "suspended" | "deleted";
  /** When it became so; undefined where it has been so from the beginning. */
  readonly since?: string;
  readonly version: number;
  readonly limits: TenantLimits;
  readonly usage?: {
    readonly messages: number;
    readonly bytes: number;
    readonly maxBytes: number;
    readonly maxAgeSeconds: number;
    readonly firstAt?: string;
    readonly lastAt?: string;
  };
}

/** A tenant's tier, and its own limits. */
export type TenantLimits = { readonly tier?: string } & { readonly [Name in LimitName]?: number };

/** The limits that a tenant may have of its own, in the order in which they are shown. */
export const LIMITS = {
  historyBytes: "Bytes that the log keeps",
  historyAgeSeconds: "Seconds that the log keeps events",
  connections: "Streams at a time",
  connectionsPerSubject: "Streams of one person",
  connectionsPerSession: "Streams of one session",
  connectionsPerAddress: "Streams of one address",
  handshakesPerSecond: "Streams that begin in a second",
  handshakesPerSubjectPerMinute: "Streams a person may ask for in a minute",
  callsPerSubjectPerMinute: "Calls a person may make in a minute",
  topicsPerStream: "Topics of a stream",
  historyBytesPerMinute: "Bytes of history that are read in a minute",
  publishedEventsPerSecond: "Events published over HTTP in a second",
  changesPerSecond: "Changes of the policy in a second",
  websocketPercent: "Percent of clients that may use WebSocket",
  ndjsonPercent: "Percent of clients that may read lines of JSON",
  pollPercent: "Percent of clients that may poll",
} as const;

export type LimitName = keyof typeof LIMITS;

/** The tiers of the installation, with the limits of each. */
export interface Tiers {
  readonly tiers: Readonly<Record<string, Readonly<Partial<Record<LimitName, number>>>>>;
}
