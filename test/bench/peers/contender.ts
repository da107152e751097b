/** Whose events a stream carries: two tenants of ours, two groups of topics elsewhere. */
export type Owner = "demo" | "rival";

/** A server of event streams under load, ours or a peer's: a process of its own, of one load. */
export interface Contender extends AsyncDisposable {
  readonly port: number;
  /** The process that holds the streams. */
  readonly pid: number;
  /** The processes without which it does not work, or none. */
  readonly pidsBehind: readonly number[];
  /** The text of an answer which says that the stream is in force; "-" where its head does. */
  readonly marker: string;
  /** What a client sends to go on: its last id, or the position in the log that its stream told it. */
  readonly resume: "id" | "position";
  /** So many requests for streams, each with a token of its own where there are tokens; the i-th is for topic i mod `topics`. */
  requests(count: number, topics: number, owner?: Owner): Promise<readonly string[]>;
  /** Publishes to a topic, not in order; whether it arrived, the ledger says. */
  publish(topic: number, payload: string, owner?: Owner): void;
}

/** What a load wants of a server. */
export interface Wanted {
  /** It is to hold so many streams and to refuse more; without a limit by default. */
  readonly maxStreams?: number;
}

/** Something that can be put under load, as often as wanted, each time anew. */
export interface Entrant {
  readonly name: string;
  /** Whether it can be told how many streams to hold. */
  readonly hasStreamLimit: boolean;
  start(wanted?: Wanted): Promise<Contender>;
}

/** A server of somebody else, whose program is looked for on PATH. */
export interface Peer {
  readonly name: string;
  /** How to get the program. */
  readonly install: string;
  /** Undefined where the program is not here. */
  find(path: string): Promise<Entrant | undefined>;
}
