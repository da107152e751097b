/** What clients of one kind have reported of late, to all edges. */
export interface ClientHealthViewRow {
  readonly transport: string;
  readonly family: string;
  readonly network: string;
  /** Empty where the clients named none. */
  readonly region: string;
  readonly reports: number;
  readonly reconnects: number;
  readonly stalls: number;
  /** Half of the first events, and 95 of 100, took no longer; null where none was reported. 30 000 stands for all that is longer, too. */
  readonly firstEventP50Ms: number | null;
  readonly firstEventP95Ms: number | null;
  /** Why roads were left for others, and how often. */
  readonly fallbacks: Readonly<Record<string, number>>;
}

/** The health of clients, those with most reports first. */
export interface ClientHealthView {
  /** How long it has been counted: half an hour to an hour, less where the edges are younger. */
  readonly seconds: number;
  readonly rows: readonly ClientHealthViewRow[];
  /** A worker is missing, with what it has counted. */
  readonly partial: boolean;
}
