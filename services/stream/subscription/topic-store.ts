/** A tab or device of a person, by the id that it gave itself. */
export interface Client {
  readonly tenant: string;
  readonly subject: string;
  readonly client: string;
}

/** How a client's topics differ from those of its URL. */
export interface KeptTopics {
  /** Each added pattern with the id of the position behind which it counts. */
  readonly added: ReadonlyMap<string, string>;
  /** The patterns of the URL that the client has removed. */
  readonly removed: ReadonlySet<string>;
}

/** A stream's claim to its client's record. */
export interface Claim {
  readonly client: Client;
  /** Names what the URL asks for: changes of other topics are not restored. */
  readonly base: string;
  /** Rises with each claim; the highest holds the record. */
  readonly generation: number;
}

/** What a stream gets that claims its client's record. */
export interface Claimed {
  readonly generation: number;
  /** Undefined where nothing is kept for this base. */
  readonly kept: KeptTopics | undefined;
  /** Whether another stream may have held the record until now. */
  readonly wasHeld: boolean;
}

/** A change of what is kept. `isWhole`: it replaces all that is kept. */
export interface KeptChange {
  readonly added: ReadonlyMap<string, string>;
  readonly removed: Iterable<string>;
  /** Patterns that are as their URL has them from now on. */
  readonly reset: readonly string[];
  readonly isWhole: boolean;
}

/**
 * Keeps clients' topics for their next streams, on any edge. Its calls for one client take effect one after the other. Each throws
 * AppError `unavailable` where there is no answer; then it may have been done. What is kept may be lost as a whole.
 */
export interface TopicStore {
  /** Makes the caller the one holder of the client's record. */
  claim(client: Client, base: string): Promise<Claimed>;
  /** Changes what is kept. `replaced`: a later stream holds the record. `absent`: it is lost; only a whole change makes it anew. */
  change(claim: Claim, change: KeptChange): Promise<"stored" | "replaced" | "absent">;
}

/** What is kept, for the person whose it is. Throws as the store does; each call may be repeated. */
export interface ClientRecords {
  /** The person's clients, the one used last first, with the time of that in milliseconds since 1970. */
  list(tenant: string, subject: string): Promise<readonly { readonly client: string; readonly usedAt: number }[]>;
  /** Undefined where nothing is kept. */
  read(client: Client): Promise<KeptTopics | undefined>;
  /** Forgets a record; answers whether there was one. */
  forget(client: Client): Promise<boolean>;
}
